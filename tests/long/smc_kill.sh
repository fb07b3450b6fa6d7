#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# 100 SIGKILLs (MOTE_KILLS) of every algorithm on state-space models, on series and streams, in memory and on disk, with a
# fresh seed that is printed: resumed, each gives the bytes of the run that was left alone. Run in the build folder.
set -u
build=$(pwd -P)
[ -x tests/smc/kill_resume ] || { echo "skip: not built here"; exit 77; }
kills=${MOTE_KILLS:-100}
seed=${MOTE_SEED:-$(date +%s)}
status=0
tests/smc/kill_resume $((kills / 2)) "$seed" || status=1
TMPDIR=$build tests/smc/kill_resume $((kills - kills / 2)) $((seed + 1)) || status=1
exit $status
