#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# ./quickstart in a fresh copy of the source: what it prints and writes, how long it takes, and that a second run is fast.
# Evidences within 4.5 errors of dense quadrature (seeds are fixed).
set -u
source_folder=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd -P)
work=$(mktemp -d "${TMPDIR:-/tmp}/mote-quickstart-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
(cd "$source_folder" && tar cf - --exclude='./build*' --exclude=./.git --exclude=./chains --exclude=./configure \
    --exclude=./autom4te.cache .) | (cd "$work" && tar xf -) || exit 1
cd "$work" || exit 1
failures=0
result() { if [ "$2" -eq 0 ]; then echo "ok - $1"; else echo "not ok - $1"; tail -n 40 out; failures=$((failures + 1)); fi; }

start=$(date +%s)
./quickstart >out 2>&1
result "ends with 0" $?
seconds=$(($(date +%s) - start))
echo "# $seconds s from the source to the plots"
[ "$seconds" -lt 600 ]
result "within 10 minutes" $?
awk '/^chains\/lcdm: nested/ { truth = -36.709 } /^chains\/cpl: nested/ { truth = -41.100 }
     /^log Z = / { ++seen; pull = ($4 - truth) / $6; if (pull > 4.5 || pull < -4.5) bad = 1 } END { exit bad || seen != 2 }' out
result "two evidences, right" $?
awk '/log B = / { seen = 1; pull = ($(NF - 2) - 4.391) / $NF } END { exit !(seen && pull < 4.5 && pull > -4.5) }' out
result "the Bayes factor" $?
[ "$(grep -c 'calls, time' out)" -eq 2 ]
result "calls and seconds of both" $?
awk '/calls, time/ { for (i = 1; i <= NF; ++i) if ($i == "time") sum += $(i + 1) } END { exit !(sum > 0 && sum < 60) }' out
result "the two runs take less than 60 s" $?
for file in chains/lcdm/lcdm.txt chains/cpl/cpl_dead-birth.txt chains/lcdm/lcdm.json chains/plots/corner.png; do
    [ -s "$file" ]
    result "writes $file" $?
done
start=$(date +%s)
./quickstart >out 2>&1
result "again" $?
[ $(($(date +%s) - start)) -lt 30 ]
result "fast this time" $?
grep -q "finished already" out
result "what has finished is kept" $?
[ "$failures" -eq 0 ]
