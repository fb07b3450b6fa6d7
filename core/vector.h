/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Vector mathematics with the same bits from every compiler, optimisation level and instruction set: explicit fma,
 * no contraction, branch-free scalar kernels that the compiler vectorises. The kernels are compiled once per
 * instruction set; the table is chosen once (environment MOTE_ISA = baseline | v3 | v4 forces it, for tests). */
#ifndef MOTE_CORE_VECTOR_H
#define MOTE_CORE_VECTOR_H

#include <mote/base.h>

/* How cumulative whole-number weights C become slots, ceil(C ratio - u): ratio = count / total. */
typedef struct mote_weight_slots {
    double low, high; /* q_i = round(w_i factor low high) */
    uint64_t total;
    double ratio, u;
    int64_t count;
} mote_weight_slots;

typedef struct mote_vector_table {
    const char *name; /* "baseline", "v3", "v4" */
    void (*exp)(double *out, const double *x, int64_t n);      /* exp(-inf) = 0, exp(0) = 1; out may be x */
    void (*log)(double *out, const double *x, int64_t n);      /* log(0) = -inf, log(<0) = NaN */
    void (*philox_bits)(uint64_t *out, uint64_t key, uint32_t purpose, uint32_t step, uint32_t draw, int64_t first,
                        int64_t n);
    void (*philox_uniforms)(double *out, uint64_t key, uint32_t purpose, uint32_t step, uint32_t draw, int64_t first,
                            int64_t n);
    void (*philox_normals)(double *out, uint64_t key, uint32_t purpose, uint32_t step, uint32_t draw, int64_t first,
                           int64_t n);
    /* Both words of block i, which is that of the particles 2 pair_i and 2 pair_i + 1 at draw draw_i. Whole groups of 16
     * are read and written: give room for n rounded up. */
    void (*philox_scattered)(uint64_t *first, uint64_t *second, uint64_t key, uint32_t purpose, uint32_t step,
                             const uint64_t *draw, const uint64_t *pair, int64_t n);
    void (*box_muller)(double *out, const double *uniforms, int64_t n); /* n even: pairs (u, v) -> 2 normals */
    double (*one_exp)(double x); /* the scalar twins, compiled for the same instruction set */
    double (*one_log)(double x);
    void (*one_sincos_2pi)(double v, double *sine, double *cosine);
    /* n points of d coordinates as columns: value[j * stride + i] (core/vector_columns.h). Nothing overlaps. */
    double (*product)(const double *a, const double *b, int64_t n); /* sum_i a_i b_i */
    void (*moments)(double *mean, double *covariance, const double *value, int64_t stride, int64_t n, int64_t d,
                    const double *weight, double total, double *scratch);
    void (*gather)(double *value, int64_t stride, int64_t n, int64_t d, const double *point, const int64_t *index,
                   double *mean);
    void (*side_sums)(double *sum, const double *row, int64_t padded, int64_t n, int64_t d, const int64_t *side);
    void (*distance)(double *out, const double *value, int64_t stride, int64_t n, int64_t d, const double *centre);
    void (*radius)(double *out, const double *value, int64_t stride, int64_t n, int64_t d, const double *mean,
                   const double *lower); /* |W (x_i - mean)|^2, W lower triangular */
    void (*whiten)(double *out, double *value, int64_t stride, int64_t n, int64_t d, const double *lower);
    int64_t (*side)(int64_t *side, const double *near, double a, const double *far, double b, int64_t n);
    int64_t (*members)(double *weight, const int64_t *side, int64_t k, int64_t n);
    double (*largest_member)(const double *x, const double *weight, double wanted, double least, int64_t n);
    int64_t (*nearest)(double *key, const double *distance, int64_t n);
    double (*farthest)(const double *key, int64_t n);
    /* Weights, in blocks of at most MOTE_WEIGHT_BLOCK (core/vector_weights.h). */
    int64_t (*weigh)(double *weight, const double *log_weight, int64_t n, double *maximum, double *sum);
    double (*largest)(const double *weight, int64_t n, double factor);
    uint64_t (*fixed)(uint64_t *fixed, const double *weight, int64_t n, double factor, double low, double high);
    uint64_t (*prefix)(uint64_t *fixed, int64_t n, uint64_t before); /* in place; returns the last */
    uint64_t (*total)(const double *weight, int64_t n, double factor, double low, double high); /* of `fixed` */
    uint64_t (*ends)(int32_t *end, const double *weight, int64_t n, double factor, uint64_t before,
                     const mote_weight_slots *slots); /* fixed, prefix and end_slots in one; returns the last sum */
    void (*end_slots)(int32_t *end, const uint64_t *cumulative, int64_t n, uint64_t total, double ratio, double u,
                      int64_t count);
    void (*strata)(int32_t *end, const uint64_t *cumulative, int64_t n, uint64_t total, double ratio, const double *u,
                   int64_t count);
    void (*numbers)(double *out, const uint64_t *whole, int64_t n, double factor);
    void (*expand)(int32_t *ancestor, const int32_t *edge, int64_t n, int64_t index);
} mote_vector_table;

enum { MOTE_WEIGHT_BLOCK = 1024 };

/* The table for this CPU; thread-safe, never fails. */
const mote_vector_table *mote_vector(void);

/* Scalar twins, same bits as the vector kernels. */
double mote_exp(double x);
double mote_log(double x);
void mote_sincos_2pi(double v, double *sine, double *cosine); /* of 2 pi v, 0 <= v < 1 */

#endif
