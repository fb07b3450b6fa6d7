#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# GetDist and anesthetic on result files: means, standard deviations, ranges, and log Z within .2 of its error.
#
# Usage: getdist_anesthetic.sh [ROOT...]    (ROOT: path of a run's files without ending; its .json must be there)
# Without roots, tests/io/test_json of the present build folder writes two, one of them half empty. The Python packages
# are installed once, into bench/venv (or $MOTE_VENV). Exit 0 passed, 1 failed, 77 when the packages cannot be had.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
venv=${MOTE_VENV:-$source/bench/venv}
if ! "$venv/bin/python" -c 'import getdist, anesthetic' 2>/dev/null; then
    mkdir -p "$(dirname "$venv")"
    { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet getdist anesthetic; } ||
        { echo "skipped: getdist and anesthetic cannot be installed in $venv"; exit 77; }
fi
if [ $# -eq 0 ]; then
    [ -x tests/io/test_json ] || { echo "skipped: tests/io/test_json is not built here"; exit 77; }
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    tests/io/test_json "$folder"
    set -- "$folder/full" "$folder/half_empty"
fi
"$venv/bin/python" "$source/tests/io/peers.py" "$@"
