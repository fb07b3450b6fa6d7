#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The vector kernels and the variates give the same bits from gcc and clang, without and with optimisation, for every instruction set.
source=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
status=0 ran=0

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
        77) echo "# skipped: this processor cannot run $name" ;;
        *) echo "not ok - $name"; status=1 ;;
    esac
}

for compiler in gcc clang; do
    command -v $compiler >/dev/null 2>&1 || continue
    for level in -O0 -O3; do
        check $compiler $level baseline
        case $(uname -m) in
            x86_64)
                check $compiler $level v3 -march=x86-64-v3
                check $compiler $level v4 -march=x86-64-v4 -mprefer-vector-width=512 ;;
        esac
    done
done
[ $status -ne 0 ] && exit 1
[ $ran -gt 0 ] || exit 77
