#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Counts the cases in the logs of `make check` in the build folder $1. Cases: cmocka's "[       OK ]" and "[  FAILED  ]"
# lines, or "ok - NAME" and "not ok - NAME" of plain programs. A program that failed without a failed case counts as one.
cd "$1" || exit 1
passed=0 failed=0 skipped=0
for trs in $(find tests -name '*.trs' | sort); do
    log=${trs%.trs}.log
    ok=$(grep -c -E '^(\[       OK \]|ok - )' "$log")
    bad=$(grep -c -E '^(\[  FAILED  \] [^0-9]|not ok - )' "$log")
    result=$(sed -n 's/^:global-test-result: //p' "$trs")
    case $result in
        SKIP) skipped=$((skipped + 1)) ;;
        PASS) ;;
        *) [ "$bad" -gt 0 ] || bad=1 ;;
    esac
    if [ "$result" != PASS ] && [ "$result" != SKIP ]; then
        echo "---- $log"; tail -n 40 "$log"
    fi
    passed=$((passed + ok)) failed=$((failed + bad))
done
if [ "$passed" -eq 0 ]; then echo "no test ran; the end of the build:"; tail -n 30 check.log; failed=$((failed + 1)); fi
if [ "$skipped" -gt 0 ]; then echo "$skipped programs skipped"; fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
