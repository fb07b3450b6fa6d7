#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Plants each fault of tests/planted/ in a copy of the tree and demands that the tests it names go red.
#
#   scripts/planted.sh [NAME...]        all patches, or tests/planted/NAME.patch
#
# A patch opens with two lines, then the diff (-p1):
#   Planted: what is wrong, and what a user would see of it
#   Red: tests/nested/test_evidence     the test programs that must fail, blank-separated
# The tests must pass in the unpatched copy first. A fault that is a race shows by chance, so each test gets five tries.
# Prints "ok - NAME ..." or "not ok - NAME ...", exit 0, 1, or 77 without patch(1).
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
command -v patch >/dev/null 2>&1 || { echo "skip: patch(1) not found"; exit 77; }
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
failures=0
green=" " # tests that have passed without a fault

scratch=$(mktemp -d "${TMPDIR:-/tmp}/mote-planted.XXXXXX")
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
tree=$scratch/tree
build=$scratch/build

say() { echo "$*"; }
miss() { say "not ok - $*"; failures=$((failures + 1)); }

# The sources without what was built from them.
copy_tree()
{
    mkdir -p "$tree" "$build"
    (cd "$root" && find . -name .git -prune -o -name 'build*' ! -name build-aux -prune -o -name '*.o' -prune -o \
        -name '*.lo' -prune -o -name .libs -prune -o -name config.status -prune -o -type f -print |
        tar -cf - -T -) | (cd "$tree" && tar -xf -) || return 1
    chmod -R u+w "$tree"
    rm -f "$tree/Makefile" "$tree/config.h"
}

configure_copy()
{
    [ -x "$tree/configure" ] || (cd "$tree" && autoreconf -fi) >"$scratch/log" 2>&1 || return 1
    [ -f "$build/Makefile" ] || (cd "$build" && "$tree/configure" --disable-static) >"$scratch/log" 2>&1
}

# 0 passed, 1 failed, 2 does not build, 3 skipped.
run_test()
{
    (cd "$build" && make -j"$jobs" test-plugins "$1") >"$scratch/log" 2>&1 || return 2
    (cd "$build" && timeout 600 "./$1") >"$scratch/log" 2>&1
    case $? in 0) return 0 ;; 77) return 3 ;; *) return 1 ;; esac
}

header() { sed -n "s/^$2: *//p" "$1" | head -n 1; }

check_patch()
{
    name=$(basename "$1" .patch)
    red=$(header "$1" Red)
    [ -n "$red" ] && [ -n "$(header "$1" Planted)" ] || { miss "$name has no 'Planted:' and 'Red:' lines"; return; }
    for test in $red; do
        case $green in *" $test "*) continue ;; esac
        run_test "$test"
        case $? in 0) green="$green$test " ;; 3) say "ok - $name # SKIP $test was skipped"; return ;;
            *) miss "$name: $test fails without the fault"; tail -n 20 "$scratch/log"; return ;; esac
    done
    cp "$1" "$scratch/fault.patch"
    (cd "$tree" && patch -p1 --forward --dry-run <"$scratch/fault.patch") >"$scratch/log" 2>&1 ||
        { miss "$name does not apply"; cat "$scratch/log"; return; }
    (cd "$tree" && patch -p1 --forward --no-backup-if-mismatch <"$scratch/fault.patch") >/dev/null
    for test in $red; do
        tries=1
        run_test "$test"
        code=$?
        while [ $code -eq 0 ] && [ $tries -lt 5 ]; do
            tries=$((tries + 1))
            run_test "$test"
            code=$?
        done
        case $code in
            1) say "ok - $name caught by $test" ;;
            0) miss "$name slips through $test" ;;
            *) miss "$name does not build or run with $test"; tail -n 20 "$scratch/log" ;;
        esac
    done
    (cd "$tree" && patch -p1 --reverse --no-backup-if-mismatch <"$scratch/fault.patch") >/dev/null
}

copy_tree && configure_copy || { echo "not ok - cannot copy or configure the tree"; cat "$scratch/log"; exit 1; }
if [ $# -gt 0 ]; then
    for name in "$@"; do check_patch "$root/tests/planted/$name.patch"; done
else
    for patch in "$root"/tests/planted/*.patch; do check_patch "$patch"; done
fi
[ "$failures" -eq 0 ]
