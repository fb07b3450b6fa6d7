#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Learning at length: coefficients and variances of linear-Gaussian models by score ascent, many seeds, against the
# exact maximum of the likelihood and the stated errors. About two minutes on one core.
#
# Run in the build folder. Exit 0 passed, 1 failed, 77 when the program is not built.
set -u
[ -x tests/long/learning ] || { echo "skipped: tests/long/learning is not built here"; exit 77; }
exec tests/long/learning "$@"
