/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers of the manual's pictures, printed as blocks that the gnuplot script of the same name in doc/figures reads.
 * All seeds are fixed; every run goes through the public interface. */
#ifndef MOTE_TOOLS_FIGURES_H
#define MOTE_TOOLS_FIGURES_H

#include <mote/mote.h>

/* figures.c: filters */
mote_run *figure_run(const mote_algorithm *algorithm, const void *model, const void *options); /* finished; close it */
void figure_mean_sd(const double *value, int n, double *mean, double *sd);

/* figures_paths.c: populations, paths and parameters of state-space models */
void figure_filter_errors(void);
void figure_kalman(void);
void figure_paris(void);
void figure_pmcmc(void);
void figure_ppg(void);
void figure_resampling(void);
void figure_state_space(void);

/* figures_targets.c: densities */
void figure_kernels(void);
void figure_nested_theory(void);
void figure_priors(void);
void figure_samplers(void);
void figure_smc_sampler(void);

#endif
