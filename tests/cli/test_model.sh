#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The verbs for authors of models: eval, check, new.
. "${srcdir:-.}/tests/cli/lib.sh"

printf '[run]\nmodel = %s\n' "$model" >x.ini
expect "eval" 0 "log_likelihood" "$mote" eval x.ini slope=0.5 offset=-0.5 scale=2
# chi^2 = (0.5/0.5)^2 + (-0.5/(0.5 2))^2 = 1.25; prior: uniform on 10, normal(0, 2) at -0.5.
check "log-likelihood" grep -q -E '^log_likelihood +-0.625 ' out
check "chi-square of the data set" grep -q -E '^chi2_pair +1.25 ' out
check "log prior" awk '/^log_prior/ { d = $2 + 3.9459208; exit !(d < 1e-6 && d > -1e-6) }' out
expect "eval at the median" 0 "prior median" "$mote" eval x.ini slope=0
check "says what was given" grep -q -E '^slope +0 +given' out
expect "eval with a changed key" 0 "" "$mote" eval x.ini slope=0.5 offset=0 --set model.width=1
check "changes the likelihood" grep -q -E '^log_likelihood +-0.125 ' out

expect "eval at no number" 64 "slope=nan" "$mote" eval x.ini slope=nan
expect "eval with a name twice" 64 "slope was given before" "$mote" eval x.ini slope=0.5 slope=0.6
expect "eval outside the prior" 0 "outside the prior" "$mote" eval x.ini slope=100
check "inside it is not said" sh -c "'$mote' eval x.ini slope=0.5 | grep -q outside; test \$? -eq 1"
# question NAME CODE PATTERN KEY=VALUE...
question() {
    name=$1 code=$2 pattern=$3 sets=
    shift 3
    for key in "$@"; do sets="$sets --set model.$key"; done
    # shellcheck disable=SC2086
    expect "$name" "$code" "$pattern" "$mote" check "$model" x.ini $sets
}
question "check of a good model" 0 "0 failed"
also "one batch against single rows: the same bytes" "one thread against four: the same bytes" "prior round trip" \
    "cost of one call" "two short runs"
expect "check of an object alone" 0 "0 failed" "$mote" check "$model"
question "a likelihood that drifts" 65 "FAIL  one batch against single rows" likelihood=drifting threads=no
question "a right gradient" 0 "gradient: agrees" gradient=right
question "a wrong gradient" 65 "FAIL  gradient" gradient=wrong
question "failed points" 65 "prior draws:" likelihood=half_nan
question "a likelihood that stops" 65 "code -7" likelihood=stop
printf '[run]\nmodel = %s\n[model]\nedge = 0.5\n' "$plugins/hostile.so" >h.ini
expect "a model that crashes" 65 "FAIL  the model crashed (signal 11" "$mote" check h.ini --set model.fault=segv
also "prior round trip of 2 parameters" " at x = 0."
expect "one that ends the program" 65 "FAIL  the model ended the program (exit code 3) at x = 0." \
    "$mote" check h.ini --set model.fault=exit
expect "one that hangs" 65 "FAIL  the model did not answer within 0.5 s at x = 0." \
    timeout 60 "$mote" check h.ini --set model.fault=hang --set row_seconds=0.5
expect "one that hangs in a short run" 65 "s in a short run" \
    timeout 60 "$mote" check h.ini --set model.fault=tire --set row_seconds=0.1
# Shells do not hand an ignored SIGCHLD on, env does, where it is new enough.
if env --ignore-signal=CHLD true 2>/dev/null; then
    unheard() { expect "$1, SIGCHLD ignored" 65 "FAIL" env --ignore-signal=CHLD "$mote" check "$2" --set model."$3"; }
    unheard "a model that ends the program" h.ini fault=exit
    unheard "a wrong gradient" x.ini gradient=wrong
fi
# What hangs keeps the standard output open, and the reader at its other end, for as long as it is there.
mkfifo ends
cat ends >said &
reader=$!
(trap '' HUP; exec "$mote" check h.ini --set model.fault=hang) >ends 2>&1 &
watcher=$!
tries=0
while ! grep -q "prior round trip" said && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
kill -HUP $watcher
sleep 0.3
check "SIGHUP stays ignored under nohup" kill -0 $watcher
kill -KILL $watcher
wait $watcher 2>/dev/null
if [ "$(uname)" = Linux ]; then
    tries=0
    while kill -0 $reader 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
    check "the model's process ends with the watcher" test $tries -lt 100
fi
kill -TERM $reader 2>/dev/null
expect "check of a built-in model" 0 "0 failed" "$mote" check gaussian
expect "check of an object that is not there" 66 "mote: model 'nosuch.so' was not found: not at nosuch.so" "$mote" check nosuch.so
check "which names no file but that" sh -c '! grep -q "check\.ini" err'
expect "check of one in a folder" 66 "mote: model './no/such.so' was not found" "$mote" check ./no/such.so
printf '[run]\nmodel = gaussian\n' >other.ini
expect "check of one with an ini file" 66 "mote: model 'nosuch.so' was not found" "$mote" check nosuch.so other.ini

expect "new" 0 "cd line && make run" "$mote" new target line
expect "new does not overwrite" 73 "line" "$mote" new target line
if command -v cc >/dev/null 2>&1 && command -v make >/dev/null 2>&1; then
    unset MAKEFLAGS MFLAGS MAKELEVEL
    cd line || exit 1
    expect "its model builds without a warning" 0 "" make MOTE_CFLAGS="-I$source_folder/include" MOTE="$mote"
    check "no warning" sh -c '! grep -q warning err'
    expect "passes the check" 0 "0 failed" make check MOTE_CFLAGS="-I$source_folder/include" MOTE="$mote"
    expect "and runs" 0 "slope" make run MOTE_CFLAGS="-I$source_folder/include" MOTE="$mote"
    # Least squares: slope 1.99 +- 0.2/sqrt(10).
    check "to the right answer" awk '$1 == "slope" { exit !($2 > 1.9 && $2 < 2.1) }' out
    expect "twice is a no-op" 0 "finished already" make run MOTE_CFLAGS="-I$source_folder/include" MOTE="$mote"
fi
finish
