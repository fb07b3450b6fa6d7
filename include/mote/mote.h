/* SPDX-License-Identifier: BSD-2-Clause */
/* All of mote: #include <mote/mote.h>. */
#ifndef MOTE_MOTE_H
#define MOTE_MOTE_H

#include <mote/backward.h>
#include <mote/base.h>
#include <mote/config.h>
#include <mote/controlled.h>
#include <mote/draws.h>
#include <mote/filter.h>
#include <mote/hidden_markov.h>
#include <mote/iterated_filtering.h>
#include <mote/kalman.h>
#include <mote/maths.h>
#include <mote/matrix.h>
#include <mote/metropolis.h>
#include <mote/nested.h>
#include <mote/option.h>
#include <mote/output.h>
#include <mote/parameter.h>
#include <mote/paris.h>
#include <mote/particle_gibbs.h>
#include <mote/plugin.h>
#include <mote/pmmh.h>
#include <mote/ppg.h>
#include <mote/resample.h>
#include <mote/run.h>
#include <mote/score_ascent.h>
#include <mote/smc_sampler.h>
#include <mote/smoother.h>
#include <mote/smc2.h>
#include <mote/source.h>
#include <mote/ssm.h>
#include <mote/status.h>
#include <mote/target.h>
#include <mote/variate.h>

#endif
