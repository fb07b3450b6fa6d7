/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading structs whose layout grows: fields are only appended, so the shorter of the two versions is a prefix. */
#include <string.h>

#include "core/option.h"

#define NAME(type) [MOTE_KIND_##type] = #type
static const char *const names[] = {
    NAME(mote_allocator),      NAME(mote_hooks),         NAME(mote_progress),     NAME(mote_ledger),
    NAME(mote_batch),          NAME(mote_target),        NAME(mote_model),        NAME(mote_host),
    NAME(mote_nested_options), NAME(mote_nested_result), NAME(mote_prior_options), NAME(mote_summary),
    NAME(mote_pending),        NAME(mote_block),         NAME(mote_observation),  NAME(mote_series),
    NAME(mote_ssm),            NAME(mote_filter_options), NAME(mote_iterated_filtering_options),
    NAME(mote_pmmh_options),   NAME(mote_linear_part),
    NAME(mote_controlled_options),
    NAME(mote_kalman_model),   NAME(mote_kalman_functional), NAME(mote_kalman_arrays), NAME(mote_kalman_batch),
    NAME(mote_hidden_markov_model),
    NAME(mote_paris_options),
    NAME(mote_ppg_options),
    NAME(mote_particle_gibbs_options),
    NAME(mote_score_ascent_options),
    NAME(mote_smc2_options),   NAME(mote_smc2_stage),
    NAME(mote_smc_options),    NAME(mote_smc_level),    NAME(mote_metropolis_options), NAME(mote_evidence_estimate),
};
#undef NAME

const char *mote_kind_name(uint32_t kind)
{
    return kind < sizeof names / sizeof *names && names[kind] ? names[kind] : "unknown";
}

static int any_set(const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        if (bytes[i])
            return 1;
    return 0;
}

static int refuse_kind(uint32_t kind, const mote_head *head, mote_message *message)
{
    const char *expected = mote_kind_name(kind);
    if (!head->kind && !head->size)
        return mote_fail(message, MOTE_EKIND, "a %s was passed without its head: begin it with MOTE_VERSIONED(%s)",
                         expected, expected);
    return mote_fail(message, MOTE_EKIND, "a struct of kind %s (%u) was passed where %s is expected",
                     mote_kind_name(head->kind), (unsigned)head->kind, expected);
}

int mote_struct_read(void *destination, size_t size, uint32_t kind, const void *source, mote_message *message)
{
    mote_head head = { (uint32_t)size, kind };
    size_t given = 0;
    if (source) {
        mote_head theirs;
        memcpy(&theirs, source, sizeof theirs);
        given = theirs.size;
        if (theirs.kind != kind)
            return refuse_kind(kind, &theirs, message);
        if (given < sizeof head)
            return mote_fail(message, MOTE_EVERSION, "a %s says that it has %zu bytes, less than its head",
                             mote_kind_name(kind), given);
        if (given > size && any_set((const unsigned char *)source + size, given - size))
            return mote_fail(message, MOTE_EVERSION,
                             "a %s of %zu bytes sets fields that this library (%s, %zu bytes) does not know",
                             mote_kind_name(kind), given, MOTE_VERSION_STRING, size);
    }
    size_t common = given < size ? given : size;
    if (common)
        memcpy(destination, source, common);
    memset((char *)destination + common, 0, size - common);
    memcpy(destination, &head, sizeof head);
    return MOTE_OK;
}

int mote_struct_give(void *destination, uint32_t kind, const void *source, size_t size)
{
    mote_head head;
    if (!destination)
        return MOTE_EINVAL;
    memcpy(&head, destination, sizeof head);
    if (head.kind != kind || head.size < sizeof head)
        return MOTE_EKIND;
    size_t common = head.size < size ? head.size : size;
    memcpy(destination, source, common);
    memset((char *)destination + common, 0, head.size - common);
    memcpy(destination, &head, sizeof head);
    return MOTE_OK;
}
