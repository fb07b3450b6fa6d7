#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The state-space examples: built by their Makefile with every warning an error, checked by `mote check`, run by their ini
# files, and compared with values that are known without them. Pulls below 5: false alarm 6e-7 for one; the seeds are fixed.
build=$(pwd -P)
source_folder=$(cd "${srcdir:-.}" && pwd -P)
mote=$build/mote
command -v pkg-config >/dev/null || { echo "pkg-config is missing"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/mote-examples-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/examples" "$work/data" && cp -R "$source_folder/examples/ssm" "$work/examples" &&
    cp -R "$source_folder/data/timeseries" "$work/data" && chmod -R u+w "$work" && cd "$work/examples/ssm" || exit 1
PKG_CONFIG_PATH=$build LC_ALL=C
export PKG_CONFIG_PATH LC_ALL
unset MAKEFLAGS MFLAGS MAKELEVEL
failures=0
result() { if [ "$2" -eq 0 ]; then echo "ok - $1"; else echo "not ok - $1"; cat out; failures=$((failures + 1)); fi; }

static=
[ -e "$build/.libs/libmote.a" ] && [ ! -e "$build/.libs/libmote.so" ] && [ ! -e "$build/.libs/libmote.dylib" ] &&
    static="LDLIBS=$(pkg-config --static --libs mote) -lm"
make CFLAGS='-O2 -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Werror' ${static:+"$static"} >out 2>&1
result "all examples compile without a warning" $?

for model in stochastic_volatility nutria predator_prey recurrent_network; do
    "$mote" check ./$model.so $model.ini >out 2>&1
    result "mote check $model" $?
done

# evidence MODEL LOGZ FLAGS...: within 5 of the run's own errors.
evidence()
{
    model=$1 truth=$2
    shift 2
    "$mote" filter $model.ini "$@" >out 2>&1
    code=$?
    awk -v truth="$truth" '/^log Z = / { seen = 1; pull = ($4 - truth) / $6 } END { exit !(seen && pull < 5 && pull > -5) }' out
    result "$model: log Z = $truth" $((code + $?))
}
evidence stochastic_volatility -214.2819755795 --set filter.particles=2000
evidence nutria -78.3153601233
"$mote" filter predator_prey.ini --set filter.particles=500 >out 2>&1
result "predators and prey" $?
# The populations that made the last observations were 150 predators or so and rising prey.
awk -F, 'END { exit !($2 > 300 && $2 < 500 && $10 > 100 && $10 < 200) }' chains/predator_prey/predator_prey_filtered.csv
result "are where they were seen" $?
# Learning as the ini file says, with fewer particles.
sed 's/^\[filter\]/&\nlearn = pmmh/; /^[a-z]* = 0[.0-9]*$/d; s/^# \([a-z]* = log_uniform\)/\1/' predator_prey.ini >learn.ini
"$mote" filter learn.ini -q --set pmmh.particles=20 --set pmmh.draws=50 --set pmmh.warm_up=40 >out 2>&1 &&
    "$mote" summarize chains/learn >out 2>&1 &&
    awk '$1 == "birth" { found = $2 > 0.4 && $2 < 0.65 } END { exit !found }' out
result "its rates are learnt" $?
"$mote" run stochastic_volatility.ini -q -o learnt --sampler smc2 --set parameters.mean='normal -1 1' \
    --set parameters.persistence='uniform 0.5 0.99' --set parameters.noise='uniform 0.02 0.5' \
    --set smc2.parameter_particles=200 >out 2>&1 && "$mote" summarize learnt >out 2>&1 &&
    awk '$1 == "noise" { found = $2 > 0.08 && $2 < 0.25 } END { exit !found }' out
result "noise of the volatility is learnt, far from the bounds of its prior" $?
"$mote" smooth predator_prey.ini -o refused >out 2>&1
[ $? -eq 78 ] && grep -q "needs log_transition" out
result "smoothing without a density is refused by name" $?
"$mote" filter recurrent_network.ini -q --set filter.particles=500 >out 2>&1
result "recurrent network" $?
# Half of the observed values lie within 0.1 of 0.816 (the quartile of Student-t with 2 degrees of freedom) of the state.
paste -d, recurrent_network.csv chains/recurrent_network/recurrent_network_filtered.csv | awk -F, 'NR > 1 {
    for (k = 0; k < 5; ++k) { d = $(2 + k) - $(8 + 8 * k); ++n; if (d < 0.0816 && d > -0.0816) ++near } }
    END { exit !(n == 2500 && near / n > 0.45 && near / n < 0.75) }'
result "its states lie where the data are" $?

# Its learning: gradients of all 31 parameters against finite differences, then a few steps. From no weights at all, where the
# log-likelihood is -663, ten steps lead to -264, -272 and -278 with seeds 1 to 3; without a step nothing is near.
"$mote" check ./recurrent_network.so recurrent_network_learn.ini >out 2>&1 && grep -q "^ok  *gradient: agrees" out
result "gradient of the recurrent network" $?
"$mote" check ./recurrent_network.so recurrent_network_proposal.ini >out 2>&1 &&
    grep -q "^ok  *proposal_gradient: agrees.* in 3 of 31 parameters" out
result "gradient of its proposal" $?
"$mote" run recurrent_network_learn.ini --set score_ascent.iterations=10 --set score_ascent.particles=16 >out 2>&1
code=$?
awk '$1 == "log_likelihood" { exit !($2 > -240 && $2 < -160) }' out
result "learning it" $((code + $?))
# The width goes from 1 to .697, .696 and .697, the precision from .32 to .44.
"$mote" run recurrent_network_proposal.ini --set score_ascent.iterations=10 --set score_ascent.particles=16 >out 2>&1
code=$?
awk '/mean of the last/ && $1 == "width" { w = $2 } /mean of the last/ && $1 == "precision" { p = $2 }
    END { exit !(w > 0.6 && w < 0.8 && p > 0.38 && p < 0.5) }' out
result "learning its proposal" $((code + $?))

"$mote" run stochastic_volatility.ini -q --sampler paris -o paris --set paris.particles=300 >out 2>&1
result "the average log-variance by PaRIS" $?
"$mote" run stochastic_volatility.ini --sampler paris -o score --set paris.particles=300 --set paris.functional=gradient >out 2>&1
grep -q persistence out
result "the score by PaRIS" $?

printf '1\n2\n3\n50\n4\n5\n' | ./stream >out 2>&1
awk '{ n = NR; level = $3 } NR == 4 { outlier = $3 } END { exit !(n == 6 && outlier < 4 && level > 2.5 && level < 5) }' out
result "a stream of numbers, one of them wrong" $?
[ "$failures" -eq 0 ]
