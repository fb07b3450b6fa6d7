#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Pulls of log Z over 100 seeds on every exact problem, then ten seeds of each variant. About an hour on two cores.
#
#   MOTE_CAMPAIGN_SEEDS    seeds of the first round (100); a miss is repeated with four times as many
#   MOTE_CAMPAIGN_JOBS     runs at a time (2)
#   MOTE_CAMPAIGN_FOLDER   rows that are there already are not run again (campaigns, in the build folder)
#
# Run in the build folder. Exit 0 passed, 1 failed, 77 when the program is not built.
set -u
[ -x tests/long/campaign ] || { echo "skipped: tests/long/campaign is not built here"; exit 77; }
folder=${MOTE_CAMPAIGN_FOLDER:-campaigns}
status=0
tests/long/campaign --folder "$folder" || status=1
tests/long/campaign --folder "$folder" --variants || status=1
exit $status
