#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The example programs are built by the Makefile that users get, with every warning an error, against the library of the
# build folder, and must find evidences that are known without them. Each |pull| < 4.5: false alarm 7e-6 for one, and
# the seeds are fixed. A dropped prior volume or derived parameter is tens of errors away.
build=$(pwd -P)
source_folder=$(cd "${srcdir:-.}" && pwd -P)
command -v pkg-config >/dev/null || { echo "pkg-config is missing"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/mote-examples-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cp "$source_folder"/examples/*.c "$source_folder/examples/Makefile" "$work" && chmod -R u+w "$work" && cd "$work" || exit 1
PKG_CONFIG_PATH=$build LC_ALL=C
export PKG_CONFIG_PATH LC_ALL
failures=0
result() { if [ "$2" -eq 0 ]; then echo "ok - $1"; else echo "not ok - $1"; cat out; failures=$((failures + 1)); fi; }

static=
[ -e "$build/.libs/libmote.a" ] && [ ! -e "$build/.libs/libmote.so" ] && [ ! -e "$build/.libs/libmote.dylib" ] &&
    static="LDLIBS=$(pkg-config --static --libs mote) -lm"
make CFLAGS='-O2 -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Werror' ${static:+"$static"} >out 2>&1
result "all examples compile without a warning" $?

# truth PROGRAM LOGZ: the program ends with 0 and prints "log Z = VALUE +- ERROR" within 4.5 errors of LOGZ.
truth()
{
    "./$1" >out 2>&1
    code=$?
    awk -v truth="$2" '/^log Z = / { seen = 1; pull = ($4 - truth) / $6 } END { exit !(seen && pull < 4.5 && pull > -4.5) }' out
    result "$1: log Z = $2" $((code + $?))
}

# Of minimal.c by the mid-point rule over its prior.
decay=$(awk '
function log_factorial(n, i, sum) { for (i = 2; i <= n; ++i) sum += log(i); return sum }
BEGIN {
    n = split("91 72 49 42 35 22 18 12", counts, " ")
    for (t = 1; t <= n; ++t) constant += log_factorial(counts[t])
    for (i = 0; i < 300; ++i) for (j = 0; j < 300; ++j) {
        rate = 50 + 100 * (i + 0.5) / 300; lifetime = 1 + 9 * (j + 0.5) / 300; value = -constant
        for (t = 1; t <= n; ++t) { expected = rate * exp(-(t - 1) / lifetime); value += counts[t] * log(expected) - expected }
        sum += exp(value + 20)
    }
    printf "%.4f", log(sum / 90000) - 20
}')
truth minimal "$decay"
truth batch -5.6736
truth ask_and_tell "$(awk 'BEGIN { pi = 3.14159265358979; printf "%.4f", log(2 * pi * 2 * 0.1 * sqrt(2 * pi) / 64) }')"
truth multinest_eggbox 235.8559
truth tempering 0

# The same filter with scalars, and a likelihood that rises.
./kalman >out 2>&1
code=$?
awk '
BEGIN {
    c = 100; e = 1; pi = 3.14159265358979 # covariance (c, d; d, e), mean (m, v)
    for (t = 0; t < 40; ++t) {
        if (t) { m += v; c += 2 * d + e + 0.01; d += e; e += 0.01 }
        if (t % 4 == 3) continue
        s = c + 1; r = 0.5 * t + 3 * sin(0.2 * t) + 0.9 * cos(7 * t * t) - m; sum -= (log(2 * pi * s) + r * r / s) / 2
        m += c / s * r; v += d / s * r; e -= d * d / s; d -= c * d / s; c -= c * c / s
    }
}
/^step/ { falls += n && $4 < last; last = $4; if (!n++) off = $4 - sum }
END { exit !(n == 6 && off < 1e-4 && off > -1e-4 && !falls && last > sum + 1) }' out
result "kalman: log-likelihood of a scalar filter, rising" $((code + $?))
truth smoothing -75.1724
awk '$1 == 25 { seen = 1; pull = ($5 - 1.735006) / $6 } END { exit !(seen && pull < 4.5 && pull > -4.5) }' out
result "smoothing: the smoothed mean at time 25 is 1.7350" $?
./ppg_learning >out 2>&1
code=$?
awk '/^rho by PPG/ { ppg = $5 } /^rho by PaRIS/ { paris = $5 } END { exit !(ppg > 0.8203 && ppg < 0.8403 && paris < ppg && paris > 0.7) }' out
result "ppg_learning: rho of the maximum, 0.8303, and PaRIS below it" $((code + $?))
printf '#!/bin/sh\nexec "%s/mote" run "%s/examples/gaussian.ini"\n' "$build" "$source_folder" >gaussian_ini && chmod +x gaussian_ini
truth gaussian_ini "$(awk 'BEGIN { printf "%.4f", -4 * log(20) }')"
[ "$failures" -eq 0 ]
