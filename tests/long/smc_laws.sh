#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Sequential law tests of particle methods: false-alarm rate 1e-5 over all of them, each passes only once it rejected a
# planted bias of 2 %. By estimate about half an hour on two idle cores.
#
#   MOTE_LAWS_BIAS         the planted bias (0.02); cost goes with one over its square
#   MOTE_CAMPAIGN_JOBS     laws at a time (2)
#   MOTE_CAMPAIGN_FOLDER   laws that have a line there already are not run again (campaigns, in the build folder)
#
# Run in the build folder. Exit 0 passed, 1 failed, 77 when the program is not built.
set -u
[ -x tests/long/smc_laws ] || { echo "skipped: tests/long/smc_laws is not built here"; exit 77; }
exec tests/long/smc_laws --folder "${MOTE_CAMPAIGN_FOLDER:-campaigns}"
