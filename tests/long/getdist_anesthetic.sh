#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# GetDist and anesthetic on result files: means, standard deviations, ranges, and log Z within .2 of its error.
#
# Usage: getdist_anesthetic.sh [ROOT...]    (ROOT: path of a run's files without ending; its .json must be there)
# Without roots, those of the two cosmologies that ./quickstart runs (the same ini files, seeds and data, here in a
# temporary folder), and two that tests/io/test_json of the present build folder writes, one of them half empty. The
# Python packages are installed once, into bench/venv (or $MOTE_VENV). Exit 0 passed, 1 failed, 77 when the packages
# cannot be had.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
venv=${MOTE_VENV:-$source/bench/venv}
if ! "$venv/bin/python" -c 'import getdist, anesthetic' 2>/dev/null; then
    mkdir -p "$(dirname "$venv")"
    { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet getdist anesthetic; } ||
        { echo "skipped: getdist and anesthetic cannot be installed in $venv"; exit 77; }
fi
if [ $# -eq 0 ]; then
    for program in tests/io/test_json mote; do
        [ -x "$program" ] || { echo "skipped: $program is not built here"; exit 77; }
    done
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    tests/io/test_json "$folder"
    set -- "$folder/full" "$folder/half_empty"
    MOTE_PLUGIN_PATH=$PWD/examples/cosmology/.libs
    export MOTE_PLUGIN_PATH
    for model in lcdm cpl; do
        ./mote run --quiet --output "$folder/$model" "$source/examples/cosmology/$model.ini" ||
            { echo "not ok - mote run examples/cosmology/$model.ini"; exit 1; }
        set -- "$@" "$folder/$model/$model"
    done
fi
"$venv/bin/python" "$source/tests/io/peers.py" "$@"
