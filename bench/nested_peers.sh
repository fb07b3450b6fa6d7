#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The table of peers (bench/peers.py), run in the build folder; without bench/venv only our own rows.
# Usage: nested_peers.sh [--quick] [--limit SECONDS] [--only gauss-10,shells-5]
folder=$(cd "$(dirname "$0")" && pwd)
python=${MOTE_BENCH_PYTHON:-$folder/venv/bin/python}
if "$python" -c 'import numpy, dynesty, ultranest, nautilus' 2>/dev/null; then
    exec "$python" "$folder/peers.py" table --ours bench/nested_ours --likelihood bench/.libs/likelihood.so "$@"
fi
echo "# peers: missing (sh bench/setup.sh installs dynesty, UltraNest and nautilus); our rows alone"
echo "problem         calls  log Z -  stated  CPU s  us per call beyond the likelihood"
for problem in "gauss 2" "eggbox 2" "rosenbrock 2" "shells 2" "shells 5" "gauss 10" "gauss 20"; do
    printf '%-13s ' "$problem"
    # shellcheck disable=SC2086
    bench/nested_ours $problem auto || exit 1
done
