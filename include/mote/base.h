/* SPDX-License-Identifier: BSD-2-Clause */
/* Versioned structs, visibility and the allocator: what every other header of mote needs.
 *
 * Every public struct starts with a mote_head that MOTE_VERSIONED(type) fills in:
 *     mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .live_points = 500 };
 * The library reads `size` bytes and takes the rest as zero, so that a program built against an older
 * header goes on working; a struct of the wrong kind is refused by name. All fields are 8 bytes wide. */
#ifndef MOTE_BASE_H
#define MOTE_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define MOTE_BEGIN extern "C" {
#define MOTE_END   }
#else
#define MOTE_BEGIN
#define MOTE_END
#endif

#if defined __GNUC__
#define MOTE_API              __attribute__((visibility("default")))
#define MOTE_MUST_USE         __attribute__((warn_unused_result))
#define MOTE_PRINTF(at, args) __attribute__((format(printf, at, args)))
#else
#define MOTE_API
#define MOTE_MUST_USE
#define MOTE_PRINTF(at, args)
#endif

MOTE_BEGIN

#define MOTE_VERSION_MAJOR  0
#define MOTE_VERSION_MINOR  1
#define MOTE_VERSION_PATCH  0
#define MOTE_VERSION_STRING "0.1.0"

typedef struct mote_head {
    uint32_t size; /* sizeof the struct in the caller's header, bytes */
    uint32_t kind; /* MOTE_KIND_<type> */
} mote_head;

/* One number per public struct. Append only: the numbers are part of the ABI. */
enum {
    MOTE_KIND_mote_allocator = 1,
    MOTE_KIND_mote_hooks,
    MOTE_KIND_mote_progress,
    MOTE_KIND_mote_ledger,
    MOTE_KIND_mote_batch,
    MOTE_KIND_mote_target,
    MOTE_KIND_mote_model,
    MOTE_KIND_mote_host,
    MOTE_KIND_mote_nested_options,
    MOTE_KIND_mote_nested_result,
    MOTE_KIND_mote_prior_options,
    MOTE_KIND_mote_summary,
    MOTE_KIND_mote_pending,
    MOTE_KIND_mote_block,
    MOTE_KIND_mote_observation,
    MOTE_KIND_mote_series,
    MOTE_KIND_mote_ssm,
    MOTE_KIND_mote_filter_options,
    MOTE_KIND_mote_kalman_model,
    MOTE_KIND_mote_kalman_functional,
    MOTE_KIND_mote_kalman_arrays,
    MOTE_KIND_mote_kalman_batch,
    MOTE_KIND_mote_hidden_markov_model,
    MOTE_KIND_mote_iterated_filtering_options,
    MOTE_KIND_mote_pmmh_options,
    MOTE_KIND_mote_filter_error,
    MOTE_KIND_mote_filter_view,
    MOTE_KIND_mote_smoother_options,
    MOTE_KIND_mote_paris_options,
    MOTE_KIND_mote_linear_part,
    MOTE_KIND_mote_controlled_options,
    MOTE_KIND_mote_ppg_options,
    MOTE_KIND_mote_particle_gibbs_options,
    MOTE_KIND_mote_score_ascent_options,
    MOTE_KIND_mote_smc2_options,
    MOTE_KIND_mote_smc2_stage,
    MOTE_KIND_mote_smc_options,
    MOTE_KIND_mote_smc_level,
    MOTE_KIND_mote_metropolis_options,
    MOTE_KIND_mote_evidence_estimate,
};

#define MOTE_VERSIONED(type) { (uint32_t)sizeof(type), MOTE_KIND_##type }

/* Memory for a run. `allocate` and `resize` return NULL when there is none; `release` accepts NULL.
 * Blocks must be aligned as malloc aligns them. All members but ctx are required. */
typedef struct mote_allocator {
    mote_head head;
    void *(*allocate)(void *ctx, size_t size);
    void *(*resize)(void *ctx, void *block, size_t size);
    void (*release)(void *ctx, void *block);
    void *ctx;
} mote_allocator;

/* "0.1.0", of the library that runs (MOTE_VERSION_STRING is that of the header). */
MOTE_API const char *mote_version(void);

MOTE_END
#endif
