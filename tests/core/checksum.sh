#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The vector kernels and the variates give the same bits from gcc and clang, without and with optimisation, for every instruction set.
# What this machine lacks is left out, and the last line of the output says what that was, and why. Nothing at all to run:
# the test counts as skipped.
source=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
status=0 ran=0 skipped=

# skip NAME REASON
skip() {
    echo "ok - $1 # SKIP $2"
    skipped="$skipped$1 ($2); "
}

instructions() { case $1 in v3) echo "AVX2 with FMA" ;; v4) echo "AVX-512" ;; *) echo "such instructions" ;; esac; }

# check COMPILER LEVEL VARIANT FLAGS...
check() {
    name="$1 $2 $3"; compiler=$1 level=$2 variant=$3; shift 3
    if ! "$compiler" -std=c11 "$level" -fno-math-errno -fno-trapping-math -ffp-contract=off -DMOTE_VARIANT="$variant" \
        "$@" -I"$source" -I"$source/include" -o "$folder/checksum" \
        "$source/tests/core/checksum.c" "$source/core/vector_kernels.c" "$source/core/source.c" \
        "$source/core/source_live.c" "$source/core/memory.c" "$source/core/variate_count.c" \
        "$source/core/variate_mass.c" "$source/core/variate_real.c" -D_POSIX_C_SOURCE=200809L -lm; then
        echo "not ok - $name (it does not compile)"; status=1; return
    fi
    code=0; "$folder/checksum" || code=$?
    case $code in
        0) echo "ok - $name"; ran=$((ran + 1)) ;;
        77) skip "$name" "this processor has no $(instructions "$variant")" ;;
        *) echo "not ok - $name"; status=1 ;;
    esac
}

for compiler in gcc clang; do
    if ! command -v $compiler >/dev/null 2>&1; then
        skip "$compiler -O0 and -O3, all variants" "no $compiler on this machine"
        continue
    fi
    for level in -O0 -O3; do
        check $compiler $level baseline
        case $(uname -m) in
            x86_64)
                check $compiler $level v3 -march=x86-64-v3
                check $compiler $level v4 -march=x86-64-v4 -mprefer-vector-width=512 ;;
            *) skip "$compiler $level v3 and v4" "not an x86-64 machine" ;;
        esac
    done
done
echo "# $ran of the variants ran; left out: ${skipped:-nothing}"
[ $status -ne 0 ] && exit 1
[ $ran -gt 0 ] || exit 77
