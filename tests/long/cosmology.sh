#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Twenty seeds of every row of the cosmology table against quadrature. About half an hour on two cores.
#
#   MOTE_COSMOLOGY_SEEDS   seeds for each row (20)
#   MOTE_CAMPAIGN_JOBS     runs at a time (2)
#   MOTE_CAMPAIGN_FOLDER   rows that are there already are not run again (campaigns, in the build folder)
#
# Run in the build folder. Exit 0 passed, 1 failed, 77 when the program is not built.
set -u
[ -x tests/long/cosmology ] || { echo "skipped: tests/long/cosmology is not built here"; exit 77; }
exec tests/long/cosmology --folder "${MOTE_CAMPAIGN_FOLDER:-campaigns}"
