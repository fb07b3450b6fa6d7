#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# mote filter of standard input where it is cut: by signals in a line, behind empty lines, while it waits, by a model that
# stops or hangs, by an output that takes nothing. The rows of all parts are those of one stream.
. "${srcdir:-.}/tests/cli/lib.sh"

ini stream.ini <<INI
[run]
model = $plugins/ssm.so
seed = 1
[filter]
particles = 200
[data]
file = -
[parameters]
rho = 0.9
INI
mkfifo pipe
await() { for wait in $(seq 100); do [ "$(wc -l <"$2")" -ge "$1" ] && return; sleep 0.1; done; }
eventually() { for wait in $(seq 100); do "$@" && return; sleep 0.1; done; }
same_rows() { cat "$@" | cmp - all_rows; }
whole() { printf "$1" | "$mote" filter stream.ini >all_rows 2>err; }
# begin FOLDER ROWS OPTION...: a stream from the pipe, held open as descriptor 3.
begin() {
    folder=$1 rows=$2
    shift 2
    : >"$rows"
    "$mote" filter stream.ini -o "$folder" "$@" <pipe >"$rows" 2>err &
    process=$!
    exec 3>pipe
}
stop() { kill -TERM "$process"; wait "$process"; }

# ---- a run that was no stream ----
printf 'y\n0.1\n0.2\n' >two.csv
expect "a series" 0 "" "$mote" filter stream.ini -q -o fin --set data.file=two.csv
cp fin/stream_steps.csv before.csv
expect "a stream does not go on with it" 78 "was no stream" sh -c "'$mote' filter stream.ini --resume -o fin <two.csv"
expect "by mote resume neither" 78 "was no stream" sh -c "'$mote' resume fin --set data.file=- <two.csv"
check "its files stay" cmp before.csv fin/stream_steps.csv
check "and its state" grep -q -x "state = finished" fin/mote.ini
expect "limits are refused" 78 "max_calls = 10" sh -c "'$mote' filter stream.ini --max-calls 10 <two.csv"
expect "those of time, too" 78 "max_seconds = 5" sh -c "'$mote' filter stream.ini -o never --max-seconds 5 <two.csv"
check "without a folder" test ! -e never

# ---- a signal in a line ----
whole '0.1\n0.25\n0.3\n'
begin line rows1
printf '0.1\n0.' >&3
await 2 rows1
sleep 0.3
kill -TERM $process
sleep 0.3
printf '25\n0.3\n' >&3
wait $process
check "a signal in a line" test $? -eq 75
check "waits for its end" test "$(wc -l <rows1)" -eq 3
"$mote" resume line <pipe >rows2 2>err 3>&- &
process=$!
eventually grep -q "is awaited" err
exec 3>&-
wait $process
check "what follows is in the pipe" same_rows rows1 rows2

# ---- empty lines ----
whole '0.1\n\n\n0.2\n\n0.3\n'
begin gaps rows1
printf '0.1\n\n' >&3
await 2 rows1
sleep 0.3
stop
check "behind empty lines" test $? -eq 75
check "they are told" grep -q "1 empty line is kept, which is a missing value" err
exec 3>&-
expect "kept by a part of one more" 0 "2 empty lines" sh -c "echo | '$mote' resume gaps"
check "which has no rows" test ! -s out
expect "a part without a line" 0 "2 empty lines" "$mote" resume gaps </dev/null
expect "a row" 0 "" sh -c "echo 0.2 | '$mote' resume gaps"
cp out rows2
check "comes behind them" test "$(wc -l <rows2)" -eq 3
expect "before a row" 0 "" sh -c "printf '\n0.3\n\n' | '$mote' resume gaps"
check "they count, too" same_rows rows1 rows2 out
whole 'y\n\n0.1\n\n0.2\n'
check "three rows" test "$(cut -d, -f1 all_rows | tr '\n' ' ')" = "time 0 1 2 "
expect "before the first row" 0 "" sh -c "printf 'y\n\n0.1\n\n' | '$mote' filter stream.ini -o named"
cp out rows1
expect "and after names" 0 "" sh -c "printf 'y\n0.2\n' | '$mote' resume named"
check "empty lines are counted once" same_rows rows1 out
whole 'y\n0.1\n\n0.2\n'
expect "a first part" 0 "" sh -c "printf 'y\n0.1\n' | '$mote' filter stream.ini -o later"
cp out rows1
expect "one that begins with a missing value" 0 "" sh -c "printf 'y\n\n0.2\n' | '$mote' resume later"
check "has its row" same_rows rows1 out
expect "of wider tables" 0 "" sh -c "printf 'time,y\n0,0.1\n' | '$mote' filter stream.ini -o wide"
expect "they are nothing" 0 "" sh -c "printf '\n\n' | '$mote' resume wide"
check "and not recorded" sh -c "! grep -q ^empty_lines wide/mote.ini"

# ---- a first part without rows ----
expect "no line at all" 65 "is empty" sh -c "'$mote' filter stream.ini -o late </dev/null"
expect "then names alone" 0 "" sh -c "echo y | '$mote' resume late"
check "print nothing" test ! -s out
expect "then rows" 0 "" sh -c "printf 'y\n0.1\n\n0.2\n' | '$mote' resume late"
check "with the line of names" same_rows out

# ---- while it waits ----
whole '0.1\n0.2\n0.3\n0.4\n'
begin idle rows1 --checkpoint-seconds 1
printf '0.1\n0.2\n0.3\n' >&3
await 4 rows1
eventually test -e idle/checkpoint.00000001
sleep 1.5
kill -KILL $process
wait $process 2>/dev/null
exec 3>&-
expect "a stream killed while it waited" 0 "3 observations were taken" sh -c "echo 0.4 | '$mote' resume idle"
check "had been kept" same_rows rows1 out

# ---- failures ----
expect "a model that stops" 65 "had taken 2 observations" sh -c "printf '0.1\n0.2\n0.3\n' |
    '$mote' filter stream.ini -o stops --set model.potential=stop"
check "after two rows" test "$(wc -l <out)" -eq 3
expect "without mending stops again" 65 "had taken 2 observations" sh -c "printf '0.3\n0.4\n' | '$mote' resume stops"
check "behind what was kept" test ! -s out
expect "weights zero" 65 "had taken 0 observations" sh -c "printf '0.1\n0.2\n0.3\n' |
    '$mote' filter stream.ini -o zero --set model.potential=zero"
if [ -w /dev/full ]; then
    expect "an output that takes nothing" 74 "standard output: " sh -c "printf '0.1\n0.2\n' |
        '$mote' filter stream.ini -o full >/dev/full"
    also "had taken 0 observations"
    expect "also without a folder" 74 "standard output: " sh -c "printf '0.1\n0.2\n' | '$mote' filter stream.ini >/dev/full"
fi
begin hangs rows1 --set model.potential=hang
printf '0.1\n0.2\n0.3\n' >&3
await 3 rows1
sleep 0.3
kill -INT $process
sleep 0.5
check "a model that hangs outlasts a signal" kill -0 $process
kill -INT $process
wait $process
check "a second SIGINT ends it" test $? -eq 130
exec 3>&-
finish
