#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Particle MCMC at length: case B by PMMH (plain, tuned, correlated), particle Gibbs and SMC^2 against quadrature, and
# simulation-based calibration of PMMH on 1,000 data sets. A few minutes on two cores.
#
# Run in the build folder. Exit 0 passed, 1 failed, 77 when the program is not built.
set -u
[ -x tests/long/pmcmc ] || { echo "skipped: tests/long/pmcmc is not built here"; exit 77; }
exec tests/long/pmcmc "$@"
