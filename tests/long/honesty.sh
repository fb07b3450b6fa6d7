#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Power and false alarms of the diagnostics, and the shrinkage test of each sampler. About twenty minutes on two cores.
#
#   MOTE_HONESTY_RUNS      runs of each check (200; some take half)
#   MOTE_CAMPAIGN_JOBS     runs at a time (2)
#   MOTE_CAMPAIGN_FOLDER   rows that are there already are not run again (campaigns, in the build folder)
#
# Run in the build folder. Exit 0 passed, 1 failed, 77 when the program is not built.
set -u
[ -x tests/long/honesty ] || { echo "skipped: tests/long/honesty is not built here"; exit 77; }
exec tests/long/honesty --folder "${MOTE_CAMPAIGN_FOLDER:-campaigns}"
