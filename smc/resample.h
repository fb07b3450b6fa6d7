/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Placeholder until the resampling schemes land: take theirs. */
#ifndef STUB_RESAMPLE
#define STUB_RESAMPLE
#include <mote/resample.h>
#include "core/source.h"
#include "core/threads.h"
#include "core/message.h"
#include "core/memory.h"
typedef struct mote_block_weights { const double *weight; const double *factor; int64_t n; } mote_block_weights;
typedef struct mote_resampler { int x; } mote_resampler;
static inline int mote_resampler_open(mote_resampler *r, int64_t choice, int64_t capacity, const mote_memory *memory, mote_pool *pool, mote_message *message){(void)r;(void)choice;(void)capacity;(void)memory;(void)pool;(void)message;return 0;}
static inline void mote_resampler_close(mote_resampler *r){(void)r;}
static inline int mote_resample(mote_resampler *r, mote_source *source, const mote_block_weights *w, int64_t count, int32_t *a){(void)r; double p[100000]; for(int64_t i=0;i<w->n;i++)p[i]=w->weight[i]*w->factor[i/1024]; if(w->n<=8){for(int64_t i=0;i<count;i++)a[i]=(int32_t)mote_choose(source,p,w->n);} else {double s=0,u=mote_uniform_cut(source,0,0),c=0;for(int64_t i=0;i<w->n;i++)s+=p[i]; int64_t j=0;c=p[0];for(int64_t i=0;i<count;i++){double t=(i+u)/count*s;while(c<t&&j<w->n-1)c+=p[++j];a[i]=j;}} return 0;}
static inline int mote_resample_conditional(mote_resampler *r, mote_source *source, const mote_block_weights *w, int64_t count, int64_t k, int32_t *a, int64_t *slot){ mote_resample(r,source,w,count,a); *slot=mote_choose(source,0,count); a[*slot]=(int32_t)k; return 0;}
#endif
