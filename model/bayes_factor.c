/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Bayes factor of two runs, log B = log Z_1 - log Z_2, error sqrt(e_1^2 + e_2^2) (Kass & Raftery 1995, equation 2).
 * Known answer: log Z = -36.74 +- .03 and -41.42 +- .04 give log B = 4.68 +- .05. */
#include <math.h>
#include <mote/draws.h>
#include <mote/status.h>
#include <string.h>

#include "core/option.h"

static int same(const char *a, const char *b)
{
    return a && b && *a && *b && !strcmp(a, b);
}

int mote_log_bayes_factor(const mote_evidence_estimate *first, const mote_evidence_estimate *second,
                          int64_t unchecked, double *log_factor, double *error)
{
    mote_evidence_estimate a, b;
    double unwanted;
    error = error ? error : &unwanted;
    if (!log_factor)
        return MOTE_EINVAL;
    *log_factor = *error = NAN;
    if (!first || !second)
        return MOTE_EINVAL;
    int status = mote_struct_read(&a, sizeof a, MOTE_KIND_mote_evidence_estimate, first, NULL);
    status = status ? status : mote_struct_read(&b, sizeof b, MOTE_KIND_mote_evidence_estimate, second, NULL);
    if (status)
        return status;
    if (!unchecked && !same(a.identity, b.identity))
        return MOTE_EIDENTITY;
    if (isnan(a.log_evidence - b.log_evidence))
        return MOTE_EINVAL;
    *log_factor = a.log_evidence - b.log_evidence;
    *error = hypot(a.log_evidence_error, b.log_evidence_error);
    return MOTE_OK;
}
