/* SPDX-License-Identifier: BSD-2-Clause */
/* Data sets that share measurements or sky, and so must not be multiplied as if independent. */
#include <string.h>

#include "cosmology.h"

#define DESI_TAGS    (TAG_DESI_DR1 | TAG_DESI_DR2 | TAG_DESI_TRACER)
#define GALAXY_TAGS  (TAG_BOSS | TAG_DR12_LRG | TAG_DR16_LRG_FS)

/* Two different sets, one with a tag of `one` and the other with a tag of `other`, overlap. */
static const struct rule {
    uint64_t one, other;
    const char *reason;
} rules[] = {
    { TAG_SUPERNOVAE, TAG_SUPERNOVAE, "supernova compilations share supernovae" },
    { TAG_CMB, TAG_CMB, "both compress the same microwave background" },
    { TAG_CC15, TAG_CC31, "the 31-point list contains the 15 points" },
    { TAG_DESI_DR1, TAG_DESI_DR2 | TAG_DESI_TRACER, "DESI DR2 contains DR1" },
    { TAG_DESI_DR2, TAG_DESI_TRACER, "the tracer is part of the combined DESI DR2 set" },
    { DESI_TAGS, TAG_SDSS, "DESI and SDSS observed the same sky" },
    { GALAXY_TAGS, GALAXY_TAGS, "both come from the BOSS DR12 galaxies" },
    { TAG_BOSS, TAG_DR16_LRG, "the third BOSS bin overlaps the eBOSS LRG sample" },
    { TAG_DR16_LRG, TAG_DR16_LRG_FS, "both come from the eBOSS LRG sample" },
    { TAG_QSO, TAG_QSO_FS, "both come from the eBOSS quasars" },
    { TAG_GOLD, TAG_GROWTH, "the Gold compilation contains the survey's growth rates" },
};

static const char *tagged(uint64_t a, uint64_t b)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; ++i)
        if (((a & rules[i].one) && (b & rules[i].other)) || ((b & rules[i].one) && (a & rules[i].other)))
            return rules[i].reason;
    return NULL;
}

/* Gaussian BAO sets, of files of the user's own too, that repeat a measured value. */
static const char *repeated(const set *a, const set *b)
{
    if (a->from->open != cosmology_open_bao || b->from->open != cosmology_open_bao)
        return NULL;
    const double *za = cosmology_column(&a->data, 'z'), *zb = cosmology_column(&b->data, 'z');
    const double *ma = cosmology_column(&a->data, 'm'), *mb = cosmology_column(&b->data, 'm');
    for (int64_t i = 0; i < a->data.rows; ++i)
        for (int64_t j = 0; j < b->data.rows; ++j)
            if (za[i] == zb[j] && ma[i] == mb[j])
                return "the same measurement stands in both files";
    return NULL;
}

int cosmology_exclusion(const set *sets, int64_t count, failure *why)
{
    for (int64_t i = 0; i < count; ++i)
        for (int64_t j = 0; j < i; ++j) {
            const char *reason = tagged(sets[i].from->tags, sets[j].from->tags);
            if (!reason)
                reason = repeated(&sets[i], &sets[j]);
            if (reason)
                return cosmology_fail(why, MOTE_EINVAL, "data sets %s and %s overlap: %s (allow_overlap = yes uses "
                                      "both all the same)", sets[j].name, sets[i].name, reason);
        }
    return MOTE_OK;
}
