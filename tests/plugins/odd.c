/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Objects that are no proper plug-ins, each wrong in one way: compiled once for each ODD_ macro. */
#include <mote/plugin.h>
#include <stddef.h>

#if defined ODD_NO_SYMBOL
MOTE_API int mote_not_a_plugin(void);
int mote_not_a_plugin(void)
{
    return 0;
}
#else

static const mote_parameter parameters[] = { MOTE_UNIFORM("x", 0, 1) };

static int likelihood(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)theta, (void)derived;
    *log_likelihood = 0;
    return 0;
}

#if defined ODD_WRONG_KIND
static const mote_target target = { { sizeof(mote_target), MOTE_KIND_mote_batch }, MOTE_PARAMETERS(parameters),
                                    .log_likelihood_point = likelihood };
#else
static const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters),
                                    .log_likelihood_point = likelihood };
#endif

#if defined ODD_NO_ABI
int mote_plugin
#elif defined ODD_NEWER
const int64_t mote_plugin_abi = MOTE_PLUGIN_ABI + 1;
int mote_plugin
#else
MOTE_PLUGIN_ENTRY
#endif
    (const mote_host *host, const mote_config *section, mote_model *model)
{
    (void)host, (void)section;
    model->target = &target;
#if defined ODD_NO_TARGET
    model->target = NULL;
#endif
    return 0;
}

#if defined ODD_FLUSH && defined __SSE2__
/* What the start-up code of objects that were linked with -ffast-math does: flush denormal numbers to zero. */
#include <xmmintrin.h>
__attribute__((constructor)) static void flush_denormals(void)
{
    _mm_setcsr(_mm_getcsr() | 0x8040);
}
#endif
#endif
