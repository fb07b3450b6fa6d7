#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# 200 SIGKILLs of the library's runs (MOTE_KILLS) on memory and on disk, with a fresh seed that is printed, and 20 of the
# program's with worker processes: resumed, each gives the bytes of the run that was left alone. Run in the build folder.
set -u
build=$(pwd -P)
[ -x tests/nested/kill_resume ] && [ -x mote ] || { echo "skip: not built here"; exit 77; }
kills=${MOTE_KILLS:-200}
seed=${MOTE_SEED:-$(date +%s)}
status=0
tests/nested/kill_resume $((kills * 3 / 4)) "$seed" || status=1
TMPDIR=$build tests/nested/kill_resume $((kills / 4)) $((seed + 1)) || status=1

work=$(mktemp -d "$build/kill-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
cat >run.ini <<INI
[run]
model = $build/tests/plugins/.libs/model.so
seed = 5
executor = processes
processes = 3
worker_program = $build/mote-worker
checkpoint_seconds = 0.01
[nested]
live_points = 60
[model]
cost = 200
INI
[ -f "$build/tests/plugins/.libs/model.so" ] || { echo "skip: tests/plugins/model.so is not built"; exit 77; }
"$build/mote" run run.ini -q -o whole || { echo "not ok - the program's run"; exit 1; }
killed=0 rounds=0
while [ $killed -lt 20 ] && [ $rounds -lt 60 ]; do
    rounds=$((rounds + 1))
    "$build/mote" run run.ini -q -o cut --resume >/dev/null 2>log &
    pid=$!
    sleep "$(awk -v s="$seed" -v r=$rounds 'BEGIN { srand(s + r); printf "%.3f", 0.02 + 0.3 * rand() }')"
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    case $? in
        137) killed=$((killed + 1)) ;;
        0) # ended before its kill: compared, and begun again
            cmp -s whole/run_dead-birth.txt cut/run_dead-birth.txt || { echo "not ok - other bytes after $killed kills"; status=1; break; }
            rm -rf cut ;;
        *) echo "not ok - the program after $killed kills"; cat log; status=1; break ;;
    esac
done
"$build/mote" run run.ini -q -o cut --resume >/dev/null 2>log || { cat log; status=1; }
if cmp -s whole/run_dead-birth.txt cut/run_dead-birth.txt; then echo "ok - the program: the same bytes after $killed kills"
else echo "not ok - the program: other bytes after $killed kills"; status=1; fi
sleep 3 # workers follow their run within two seconds
if ps -eo args 2>/dev/null | grep -q "^[m]ote-worker"; then
    for pid in $(ps -eo pid,args | awk '/[m]ote-worker/ { print $1 }'); do
        [ "$(readlink /proc/$pid/exe)" = "$build/mote-worker" ] && { echo "not ok - worker $pid stayed behind"; status=1; }
    done
fi
exit $status
