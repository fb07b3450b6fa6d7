/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The by-name registry: joins the folders' tables of algorithms. */
#include <mote/controlled.h>
#include <mote/filter.h>
#include <mote/iterated_filtering.h>
#include <mote/metropolis.h>
#include <mote/nested.h>
#include <mote/paris.h>
#include <mote/particle_gibbs.h>
#include <mote/pmmh.h>
#include <mote/ppg.h>
#include <mote/score_ascent.h>
#include <mote/smc_sampler.h>
#include <mote/smoother.h>
#include <mote/smc2.h>
#include <string.h>

#include "core/run.h"

static const mote_algorithm *const *const algorithms[] = {
    &mote_nested,
    &mote_prior_run,
    &mote_filter,
    &mote_smc,
    &mote_metropolis,
    &mote_iterated_filtering,
    &mote_pmmh,
    &mote_controlled,
    &mote_smc2,
    &mote_paris,
    &mote_ppg,
    &mote_particle_gibbs,
    &mote_smoother,
    &mote_score_ascent,
};

const mote_algorithm *mote_algorithm_at(int64_t index)
{
    if (index < 0 || index >= (int64_t)(sizeof algorithms / sizeof *algorithms))
        return NULL;
    return *algorithms[index];
}

const mote_algorithm *mote_algorithm_find(const char *name)
{
    const mote_algorithm *algorithm;
    for (int64_t i = 0; name && (algorithm = mote_algorithm_at(i)); ++i)
        if (!strcmp(algorithm->name, name))
            return algorithm;
    return NULL;
}
