#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The test programs under AddressSanitizer with UndefinedBehaviorSanitizer and LeakSanitizer, and those with threads under
# ThreadSanitizer, in builds of their own (sanitize-address, sanitize-thread, kept in the build folder). No suppressions.
#
#   MOTE_JOBS   how many compilers at a time (2)
#
# Run in the build folder. What a sanitizer finds in a child process is a crash for the test that started it (some plant
# one). Prints a line per program, exit 0, 1, or 77 without the compiler's sanitizers.
set -u
source_folder=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd -P)
jobs=${MOTE_JOBS:-2}
status=0
work=$(mktemp -d "${TMPDIR:-/tmp}/mote-sanitize-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

# build FOLDER COMPILER FLAGS
build() {
    mkdir -p "$1" || return 1
    (cd "$1" && { [ -f Makefile ] || "$source_folder/configure" --disable-static --disable-hardening CC="$2" \
        CXX="$(echo "$2" | sed 's/clang/clang++/; s/gcc/g++/')" CFLAGS="-g -O1 -fno-omit-frame-pointer $3" \
        CXXFLAGS="-g -O1 $3"; } && make -j"$jobs" && make -j"$jobs" check TESTS=) >"$1.log" 2>&1
}

# can COMPILER FLAGS: the sanitizer's library is there and runs.
can() { echo 'int main(void) { return 0; }' >"$work/can.c" && $1 $2 -o "$work/can" "$work/can.c" 2>/dev/null && "$work/can"; }

# run_tests FOLDER PROGRAM...
run_tests() {
    folder=$1
    shift
    for test in "$@"; do
        [ -x "$folder/$test" ] || continue
        (cd "$folder" && timeout 1200 ./"$test") >"$work/log" 2>&1
        code=$?
        case $code in
            0) echo "ok - $folder $test" ;;
            77) echo "skip - $folder $test" ;;
            *) echo "not ok - $folder $test"; grep -E 'ERROR|WARNING|runtime error|LINE|#[0-9] ' "$work/log" | head -20; status=1 ;;
        esac
    done
}

address="-fsanitize=address,undefined -fno-sanitize-recover=undefined"
if can "${CC:-gcc}" "$address"; then
    if build sanitize-address "${CC:-gcc}" "$address"; then
        ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1
        export ASAN_OPTIONS UBSAN_OPTIONS
        run_tests sanitize-address $(cd sanitize-address && ls tests/*/test_* tests/*/kill_resume tests/fuzz/corpus_* |
            grep -v '\.[a-z]*$')
    else echo "not ok - build with address sanitizer: see sanitize-address.log"; status=1; fi
else echo "skip - no address sanitizer"; fi

# clang: its runtime knows the futex calls and the atomics of C11 best.
thread_compiler=$(command -v clang || echo gcc)
if can "$thread_compiler" -fsanitize=thread; then
    if build sanitize-thread "$thread_compiler" -fsanitize=thread; then
        TSAN_OPTIONS=halt_on_error=1
        export TSAN_OPTIONS
        run_tests sanitize-thread tests/core/test_threads tests/nested/test_same_bytes tests/core/test_run \
            tests/nested/test_models tests/io/test_files tests/smc/test_backward tests/smc/test_conditional \
            tests/smc/test_filter tests/smc/test_filter_bank tests/smc/test_iterated tests/smc/test_life tests/smc/test_ppg tests/smc/test_record \
            tests/smc/test_resample tests/smc/test_paris tests/smc/test_variance
    else echo "not ok - build with thread sanitizer: see sanitize-thread.log"; status=1; fi
else echo "skip - no thread sanitizer"; fi
exit $status
