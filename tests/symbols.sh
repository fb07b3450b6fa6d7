#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What libmote shows and what it takes: only mote_* is exported; nothing is imported that ends the process, prints, or
# changes or reads state that belongs to the whole program. Every public header compiles alone as C11 and as C++17
# without a warning; public structs have fields of 8 bytes and no padding. Run in the build folder.
source_folder=$(cd "${srcdir:-.}" && pwd -P)
library=.libs/libmote.so
failures=0
pass() { echo "ok - $1"; }
fail() { echo "not ok - $1"; shift; printf '#   %s\n' "$@"; failures=$((failures + 1)); }
check() { if [ -z "$2" ]; then pass "$1"; else fail "$1" "$2"; fi; }
work=$(mktemp -d "${TMPDIR:-/tmp}/mote-symbols-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

# ---- symbols
command -v nm >/dev/null 2>&1 || { echo "skip: nm not found"; exit 77; }
[ -f $library ] || { echo "skip: no shared library here"; exit 77; }
nm -D --defined-only $library | awk '{ print $NF }' | sed 's/@.*//' >"$work/out"
nm -D --undefined-only $library | awk '{ print $NF }' | sed 's/@.*//' | sort -u >"$work/in"
check "symbols are exported" "$([ "$(grep -c '^mote_' "$work/out")" -gt 50 ] || echo "fewer than 50")"
check "only mote_* is exported" "$(grep -v '^mote_' "$work/out" | tr '\n' ' ')"
# What the stack protector and FORTIFY_SOURCE bring (__stack_chk_fail, __snprintf_chk) ends a process whose memory is
# overwritten already: they stay. uselocale stays too, it changes the calling thread alone; lgamma sets `signgam`.
banned='exit|_exit|_Exit|quick_exit|atexit|abort|__assert_fail|raise|v?f?printf|__v?f?printf_chk|putchar|puts|fputs|putc|fputc|perror|stdout|stderr|stdin|s?rand|rand_r|random|srandom|[dlm]rand48|srand48|strtok|localtime|gmtime|ctime|asctime|setlocale|lgamma|setenv|putenv|unsetenv|signal|sigaction|sigprocmask|gets|v?sprintf|strcpy|strcat|strerror_l|tmpnam|mktemp|system|popen|chdir|umask|gsl_set_error_handler|gsl_set_error_handler_off|gsl_error|openblas_set_num_threads'
check "nothing is imported that ends, prints or disturbs the program" "$(grep -E -x "$banned" "$work/in" | tr '\n' ' ')"
# The check itself: each of these would be seen.
for symbol in exit abort printf __printf_chk puts rand strtok localtime setenv __assert_fail sigaction stderr; do
    echo $symbol | grep -q -E -x "$banned" || fail "the list has $symbol"
done
# A process may only be killed by its number, as workers are.
check "what is killed is a worker" "$(cd "$source_folder" && grep -l -E '\b(kill|killpg)\(' core/*.c model/*.c io/*.c nested/*.c |
    grep -v -x core/worker_process.c | tr '\n' ' ')"

# ---- headers: every one alone, in both languages
cc=${CC:-cc} cxx=${CXX:-c++}
flags="-Wall -Wextra -pedantic -Werror -fsyntax-only -I$source_folder/include"
for header in "$source_folder"/include/mote/*.h; do
    name=mote/$(basename "$header")
    echo "#include <$name>" >"$work/one.c"
    cp "$work/one.c" "$work/one.cpp"
    $cc -std=c11 $flags "$work/one.c" >"$work/log" 2>&1 && pass "$name alone as C11" ||
        fail "$name alone as C11" "$(head -3 "$work/log")"
    command -v $cxx >/dev/null 2>&1 || continue
    $cxx -std=c++17 $flags "$work/one.cpp" >"$work/log" 2>&1 && pass "$name alone as C++17" ||
        fail "$name alone as C++17" "$(head -3 "$work/log")"
done

# ---- structs: a program is generated that names every public struct; the compiler refuses padding
# Those that other codes' calls need keep the layout of these codes: multinest.h, polychord.h.
ls "$source_folder"/include/mote/*.h | grep -v -E 'multinest|polychord' | xargs cat >"$work/all.h"
structs=$(sed -n 's/^} \(mote_[a-z_]*\);$/\1/p' "$work/all.h" | sort -u)
{
    echo '#include <mote/mote.h>'
    echo '#include <mote/gsl.h>'
    echo '#include <mote/output.h>'
    for struct in $structs; do echo "_Static_assert(sizeof($struct) % 8 == 0, \"$struct\");"; done
} >"$work/structs.c"
check "public structs are found" "$([ "$(echo $structs | wc -w)" -ge 12 ] || echo "$structs")"
if $cc -std=c11 -Wpadded -Werror -fsyntax-only $(pkg-config --cflags gsl 2>/dev/null) "-I$source_folder/include" "$work/structs.c" >"$work/log" 2>&1; then
    pass "sizes are multiples of 8 and nothing is padded: $(echo $structs | wc -w) structs"
else fail "sizes are multiples of 8 and nothing is padded" "$(head -5 "$work/log")"; fi
# Fields narrower than 8 bytes side by side leave no padding: find them by their types. mote_head is two uint32_t.
check "no field is narrower than 8 bytes" "$(awk '/^typedef struct mote_/ { inside = $3 } /^}/ { inside = "" }
    inside && inside != "mote_head" && /^ +(const )?(unsigned |signed )?(char|short|int|float|uint32_t|int32_t|uint8_t|bool|_Bool|enum [a-z_]+) [a-z_]+(\[|,|;)/ {
        print inside ":" $0 }' "$work/all.h" | tr '\n' ' ')"
[ "$failures" -eq 0 ]
