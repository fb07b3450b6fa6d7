#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Particle filters and PaRIS beside their floor program, plain loops, and the Python package `particles`, in one run. In
# the build folder; without bench/venv (bench/setup.sh) only our own rows.
# Usage: particle_peers.sh [--quick]
folder=$(cd "$(dirname "$0")" && pwd)
python=${MOTE_BENCH_PYTHON:-$folder/venv/bin/python}
repeats=20 windows=3 particles=1000 times=400
[ "${1:-}" = --quick ] && repeats=5 windows=1 particles=200 times=100
bench/filter "$repeats" || exit 1
peers=1
"$python" -c 'import numpy, particles' 2>/dev/null || peers=0
[ "$peers" = 0 ] && echo "# peers: missing (sh bench/setup.sh installs particles); our rows alone"
[ "$peers" = 1 ] && { "$python" "$folder/filter_peer.py" "$repeats" || exit 1; }
bench/paris "$windows" || exit 1
[ "$peers" = 1 ] || exit 0
exec "$python" "$folder/paris_peer.py" "$particles" "$times"
