#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The live line: each of its fields on a terminal, drawn over itself and wiped before what follows; nothing of it when
# standard error is a pipe or a file, or with --quiet. tests/cli/terminal gives the terminal.
. "${srcdir:-.}/tests/cli/lib.sh"

terminal=$build/tests/cli/terminal
"$terminal" true || { echo "skipped: no pseudo-terminals here"; exit 77; }
escape=$(printf '\033')
# About 3,000 calls of 400 us: a second, hence several drawings, which come five times a second at most.
printf '[run]\nmodel = %s\nseed = 5\n[nested]\nlive_points = 60\n[model]\ncost = 400\n' "$model" >slow.ini

COLUMNS=200 # the terminal of the test tells no width
export COLUMNS

# field NAME EXPRESSION: some drawing of the line has it.
field() { check "the line shows $1" grep -E -q "$2" lines; }

expect "a run on a terminal" 0 "iterations" "$terminal" "$mote" run slow.ini -o shown
# One drawing a line, without the codes that place and wipe it.
tr '\r' '\n' <out | sed "s/$escape\[K//g" | grep -a "^nested: " >lines
check "several drawings" test "$(wc -l <lines)" -ge 2
check "nothing of an evidence before there is one" sh -c "! grep -q -e -inf -e nan lines"
number='[0-9]+(\.[0-9]+)?(e[-+][0-9]+)?'
field "iterations" "^nested: [0-9]+ iterations"
field "log Z with its error" "  log Z -?[0-9]+\.[0-9][0-9] \+- [0-9]+\.[0-9][0-9]"
field "the remaining evidence" "  remaining $number  "
field "calls" "  calls [0-9]+  "
field "efficiency" "  efficiency [0-9]+\.[0-9] %  "
field "the time" "  time [0-9.:]+( s)?  "
field "the time that is left" "  left [0-9.:]+( s)?$"
check "iterations grow" awk '{ if ($2 < last) exit 1; last = $2 } END { exit NR < 2 || last == 0 }' lines
check "the remaining evidence falls" \
    awk '{ for (i = 1; i < NF; ++i) if ($i == "remaining") { if (!seen++) first = $(i + 1); last = $(i + 1) } }
         END { exit !(seen && last < first && last >= 0 && first <= 1) }' lines
check "every drawing goes over the one before" test "$(tr -cd '\r' <out | wc -c)" -gt "$(wc -l <lines)"
check "and the last is wiped" sh -c "tr '\\r' '\\n' <out | grep -a . | tail -n 1 | grep -a -v 'nested: ' | grep -q -F '$escape[K'"

# narrow WIDTH COMMAND...: every drawing leaves the last column free, has lost fields from the right, and is whole else.
narrow() {
    width=$1
    shift
    expect "a terminal of $width columns" 0 "nested:" "$@"
    tr '\r' '\n' <out | sed "s/$escape\[K//g" | grep -a "^nested: " >lines
    check "lines of less than $width" awk -v width="$width" 'length($0) >= width { exit 1 } END { exit !NR }' lines
    check "without the fields on the right" sh -c "! grep -q -e ' left ' lines"
}
narrow 60 env COLUMNS=60 "$terminal" "$mote" run slow.ini -o shown --force
check "with those on the left" grep -E -q "^nested: [0-9]+ iterations  log Z -?[0-9.]+ \+- [0-9.]+" lines
narrow 80 env -u COLUMNS "$terminal" "$mote" run slow.ini -o shown --force
narrow 10 env COLUMNS=10 "$terminal" "$mote" run slow.ini -o shown --force
if command -v stty >/dev/null 2>&1; then
    narrow 50 "$terminal" sh -c "stty cols 50 <&2; exec '$mote' run slow.ini -o shown --force"
fi

expect "--quiet on a terminal" 0 "" "$terminal" "$mote" run slow.ini -q -o quiet
check "says nothing" test ! -s out

expect "a run whose errors go to a file" 0 "log Z" "$mote" run slow.ini -o piped
check "has no live line there" test ! -s err
check "nor among the results" sh -c "! grep -q -F -e '  left ' -e '$escape' out"
"$mote" run slow.ini -o piped --force 2>&1 >/dev/null | cat >err
check "a pipe stays empty" test ! -s err
check "the line changes nothing in the run" cmp shown/slow_dead-birth.txt piped/slow_dead-birth.txt
finish
