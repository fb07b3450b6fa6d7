#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# State-space models: mote run with their algorithms, mote filter, series from files and from standard input.
. "${srcdir:-.}/tests/cli/lib.sh"

ssm=$plugins/ssm.so
awk 'BEGIN { print "t,y"; for (i = 0; i < 50; ++i) print i "," sin(0.3 * i) + 0.5 * cos(1.7 * i) }' >s.csv
# Kalman filter of x' = 0.9 x + 0.5 N, y = x + 0.7 N on the column `column` of a comma-separated file with a head.
kalman() {
    awk -F, -v column="$2" 'NR > 1 {
        if (n++) { m *= 0.9; p = 0.81 * p + 0.25 } else { m = 0; p = 1 }
        if ($column == "" || $column == "NA") next
        s = p + 0.49; r = $column - m; sum -= (log(2 * 3.14159265358979 * s) + r * r / s) / 2
        m += p / s * r; p -= p * p / s
    } END { printf "%.6f %.6f %.6f\n", sum, m, sqrt(p) }' "$1"
}
near() { awk -v a="$1" -v b="$2" -v e="$3" 'BEGIN { d = a - b; exit !(d < e && d > -e) }'; }
log_z() { awk '/^log Z/ { print $4 }' out; }
ini a.ini <<INI
[run]
model = $ssm
seed = 1
[filter]
particles = 4000
[data]
file = s.csv
[parameters]
rho = 0.9
INI

expect "mote filter" 0 "log Z = " "$mote" filter a.ini
set -- $(kalman s.csv 2)
# sd of log Z is about 0.07 here: six of them.
check "its evidence is Kalman's" near "$(log_z)" "$1" 0.45
also "resamplings"
for file in a.json a_filtered.csv a_predicted.csv a_smoothed.csv a_steps.csv mote.ini; do
    check "writes $file" test -s chains/a/$file
done
last() { tail -1 "chains/a/$1" | cut -d, -f"$2"; }
check "filtered mean" near "$(last a_filtered.csv 2)" "$2" 0.06
check "filtered sd" near "$(last a_filtered.csv 3)" "$3" 0.06
check "its 68 % band" near "$(last a_filtered.csv 8)" "$(awk "BEGIN { print $2 + $3 }")" 0.1
check "one row for each observation" test "$(wc -l <chains/a/a_smoothed.csv)" -eq 51
check "no scratch file stays" test ! -e chains/a/a_bands.raw
expect "a second run is refused" 73 "holds a run already" "$mote" filter a.ini
expect "or known to be finished" 0 "finished already" "$mote" filter a.ini --resume
expect "mote run with sampler = filter" 0 "" "$mote" run a.ini --sampler filter -q -o same
check "writes the same bytes" cmp chains/a/a_filtered.csv same/a_filtered.csv
expect "two threads" 0 "" "$mote" filter a.ini -q -o threads --threads 2
check "write the same bytes, too" cmp chains/a/a_smoothed.csv threads/a_smoothed.csv

# A run that ends half way and goes on has the same bytes, those of the quantiles too.
expect "a limit" 0 "raise it" "$mote" filter a.ini -o half --max-calls 100000
check "is before the end" test "$(wc -l <half/a_steps.csv)" -lt 45
expect "resume" 0 "" "$mote" resume half -q --max-calls 0
check "goes on with the same bytes" cmp chains/a/a_filtered.csv half/a_filtered.csv
check "smoothed, too" cmp chains/a/a_smoothed.csv half/a_smoothed.csv

# ---- smoothing ----
# Rauch-Tung-Striebel smoother of the same model: mean and sd at time 0.
set -- $(awk -F, 'NR > 1 {
    t = n++
    if (t) { pm[t] = 0.9 * m; pp[t] = 0.81 * p + 0.25; m = pm[t]; p = pp[t] } else { m = 0; p = 1 }
    s = p + 0.49; m += p / s * ($2 - m); p -= p * p / s; fm[t] = m; fp[t] = p
} END {
    for (t = n - 2; t >= 0; --t) {
        g = 0.9 * fp[t] / pp[t + 1]; m = fm[t] + g * (m - pm[t + 1]); p = fp[t] + g * g * (p - pp[t + 1])
    }
    print m, sqrt(p)
}' s.csv)
first() { sed -n 2p "$1/a_smoothed.csv" | cut -d, -f"$2"; }
for method in ffbsi ffbsm genealogy fixed_lag; do
    expect "mote smooth, $method" 0 "" "$mote" smooth a.ini -q -o $method --set smooth.method=$method --set smooth.particles=1500
    check "mean at time 0" near "$(first $method 2)" "$1" 0.15
    check "sd at time 0" near "$(first $method 3)" "$2" 0.12
done
check "bands of trajectories" near "$(first ffbsi 8)" "$(awk "BEGIN { print $1 + $2 }")" 0.15
check "bands of weighted particles" near "$(first ffbsm 8)" "$(awk "BEGIN { print $1 + $2 }")" 0.15
expect "a smoother that the model does not allow" 78 "needs artificial" "$mote" smooth a.ini -o never --set smooth.method=two_filter
expect "a transition without density" 78 "needs log_transition" "$mote" smooth a.ini -o never --set model.density=none
expect "an unknown key of [smooth]" 78 "did you mean 'method'" "$mote" smooth a.ini -o never --set smooth.methods=ffbsm
expect "plot of a smoother" 0 "ffbsi/plots/states.gp" "$mote" plot ffbsi --no-draw

# ---- learning ----
learn() {
    name=$1 sampler=$2 pattern=$3
    shift 3
    expect "$name" 0 "$pattern" "$mote" run free.ini --sampler "$sampler" -o "$sampler" "$@"
}
sed 's/^rho = .*/rho = uniform -1 1/; s/4000/100/' a.ini >free.ini
learn "pmmh" pmmh "variance_log_evidence" --set pmmh.particles=100 --set pmmh.draws=150 --set pmmh.warm_up=100
check "its posterior holds rho" awk '$1 == "rho" { exit !($2 > 0.5 && $2 < 1) }' out
learn "iterated filtering" iterated_filtering "log_likelihood_error" --set iterated_filtering.passes=10 \
    --set iterated_filtering.particles=200
learn "smc2" smc2 "variance_log_evidence" --set parameter_particles=100 --particles 50
check "flags are those of the sampler that runs" sh -c "grep -q -x 'particles = 50' smc2/mote.ini"
learn "particle Gibbs" particle_gibbs "rho_error" --sweeps 30 --particles 20
learn "score ascent" score_ascent "log_likelihood_error" --set score_ascent.particles=20 --set score_ascent.iterations=20
expect "ppg" 0 "lag_one" "$mote" run a.ini --sampler ppg -o ppg --particles 20 --sweeps 20

# A chain that was stopped by a limit and goes on has the same bytes as one that was not.
chain() { "$mote" run free.ini -q --sampler pmmh --particles 50 --set pmmh.draws=100 --set pmmh.warm_up=50 "$@"; }
chain -o whole 2>err
expect "pmmh ends by a limit" 0 "raise it" chain -o parts --max-calls 150
expect "and goes on" 0 "" "$mote" resume parts -q --max-calls 0
check "with the same bytes" cmp whole/free.txt parts/free.txt

expect "learn = pmmh" 0 "pmmh, ended by" "$mote" filter free.ini -o learnt --set filter.learn=pmmh --set pmmh.draws=50 \
    --set pmmh.warm_up=50
check "with the filter's particles" grep -q -x "particles = 100" learnt/mote.ini
{ cat free.ini; printf '[pmmh]\nparticles = 60\ndraws = 50\nwarm_up = 50\n'; } >learner.ini
expect "learn = pmmh with a section of its own" 0 "pmmh, ended by" "$mote" filter learner.ini -o learner --set filter.learn=pmmh
check "which goes before [filter]" grep -q -x "particles = 60" learner/mote.ini
expect "the command line" 0 "pmmh, ended by" "$mote" filter learner.ini -o line --set filter.learn=pmmh \
    --set filter.particles=50
check "goes before both" grep -q -x "particles = 50" line/mote.ini
expect "paris" 0 "lag_one" "$mote" run a.ini --sampler paris -o paris
expect "a free parameter that nothing learns" 78 "'rho'" "$mote" filter free.ini -o never
also "learn = pmmh"
expect "learn names what does not exist" 78 "way to learn 'pmhm'" "$mote" filter free.ini -o never --set filter.learn=pmhm
also "did you mean 'pmmh'"
expect "learn names what does not learn" 78 "does not learn" "$mote" filter free.ini -o never --set filter.learn=nested
expect "nor what only smooths" 78 "score_ascent do: by ppg with learn = score_ascent" "$mote" filter free.ini -o never \
    --set filter.learn=ppg
expect "learn with all parameters fixed" 78 "there is nothing to learn" "$mote" filter a.ini -o never \
    --set filter.learn=particle_gibbs
expect "what the learner cannot take from [filter]" 78 "takes resampling from" "$mote" filter free.ini -o never \
    --set filter.learn=particle_gibbs --set filter.resampling=optimal
expect "resample is the learner's resample_when" 0 "" "$mote" filter free.ini -q -o when --set filter.resample=never \
    --set filter.learn=particle_gibbs --set particle_gibbs.sweeps=5 --set filter.particles=20
check "under its name" grep -q -x "resample_when = never" when/mote.ini
expect "the filter's defaults, written out, are nothing to it" 0 "" "$mote" filter free.ini -q -o written --set filter.resample=ess \
    --set filter.ess_threshold=0.7 --set filter.learn=particle_gibbs --set particle_gibbs.sweeps=5 --set filter.particles=20
check "its own stay" grep -q -x "resample_when = always" written/mote.ini
expect "variance = all" 0 "evidence_error_lee_whiteley" "$mote" filter a.ini -o all --set filter.variance=all
also "filter_mean_error_chan_lai_x"
expect "controlled lacks gaussian" 78 "needs gaussian" "$mote" run a.ini --sampler controlled -o never
check "no folder is left" test ! -e never

# ---- kinds of models ----
expect "a target's sampler" 78 "state-space model only" "$mote" run a.ini -o never
expect "a filter of a target" 78 "hands out a target only" sh -c "printf '[run]\nmodel = $model\n' >t.ini; '$mote' filter t.ini"
expect "data for a target" 78 "[data] is for state-space" "$mote" run t.ini --set data.file=s.csv
expect "both models in one plug-in" 0 "log_likelihood" sh -c "'$mote' filter a.ini -q -o both --set model.both=yes &&
    '$mote' eval free.ini rho=0.5 --set model.both=yes"
expect "eval of a state-space model" 78 "estimate" "$mote" eval a.ini
expect "an unknown parameter" 78 "no parameter 'roh'; did you mean 'rho'" "$mote" filter a.ini --set parameters.roh=1
grep -v -e data -e s.csv a.ini >own.ini
expect "its own series" 0 "log Z" "$mote" filter own.ini -o own --set model.series=yes
check "of twenty observations" grep -q -E "^observations +20 " out
expect "no series" 78 "carries no series" "$mote" filter own.ini -o never

# ---- files ----
file() { expect "$1" "$2" "$3" "$mote" filter a.ini -q --force -o files --set data.file="$4"; }
printf 'when;y;note\n0;0.1;\n2;NA;rain\n3.5;;\n4;nan;x\n5;1;\n' >semicolon.csv
file "semicolons, missing values, a column of words" 0 "" semicolon.csv
printf '"y" t\n0.5 1\n1 2\n' >blank.txt
file "blanks and quotes" 0 "" blank.txt
printf '0.5\n1\nNA\n2\n' >plain.txt
file "no names" 0 "" plain.txt
check "four rows" test "$(wc -l <files/a_steps.csv)" -eq 5
file "a file that is not there" 66 "absent.csv" absent.csv
printf 't,y\n0,1\n1,abc\n' >word.csv
file "a word" 65 "word.csv:3: column 2 (y): 'abc'" word.csv
printf 't,y\n0,1\n1\n' >short.csv
file "a short row" 65 "short.csv:3: 1 columns" short.csv
printf 't,z\n0,1\n' >wrong.csv
file "no such column" 65 "wrong.csv:1: there is no column 'y'" wrong.csv
printf 'time,y\n0,1\n0,2\n' >still.csv
file "time stands still" 65 "still.csv:3: column 1 (time)" still.csv
printf 't,y\n' >head.csv
file "no rows" 65 "no rows" head.csv
: >empty.csv
file "an empty file" 65 "empty.csv: the file is empty" empty.csv
expect "renamed columns" 0 "" "$mote" filter a.ini -q -o renamed --set data.file=semicolon.csv --set data.observations=y \
    --set data.time=when
check "take their times" grep -q '^3.5,' renamed/a_filtered.csv
expect "too many names" 78 "names 2 columns" "$mote" filter a.ini -q -o never --set data.observations=y,t
expect "an unknown key" 78 "unknown key 'flie' in [data]; did you mean 'file'" "$mote" filter a.ini -q -o never --set data.flie=x

# ---- faults of the model ----
expect "a potential that is no number" 65 "particle 0 at step 2 (time 2)" "$mote" filter a.ini -q -o nan --set model.potential=nan
expect "which may be taken for zero" 65 "weight zero at step 2" "$mote" filter a.ini -q -o nan --force --set model.potential=nan \
    --set filter.failed_potential=zero
expect "all weights zero" 65 "weight zero at step 2 (time 2)" "$mote" filter a.ini -q -o zero --set model.potential=zero
check "the steps are written" test "$(wc -l <zero/a_steps.csv)" -eq 4
expect "a model that stops" 65 "code -5" "$mote" filter a.ini -q -o stop --set model.potential=stop

# ---- pictures of odd runs ----
printf 'y\nNA\nNA\nNA\n' >na.csv
head -2 s.csv >one.csv
expect "nothing is observed" 0 "" "$mote" filter a.ini -q -o na --set data.file=na.csv
check "and the evidence is one" test "$(tail -1 na/a_steps.csv | cut -d, -f4)" = 0
expect "one observation" 0 "" "$mote" filter a.ini -q -o one --set data.file=one.csv
expect "evidence alone" 0 "" "$mote" filter a.ini -q -o bare --set filter.record=steps
if command -v gnuplot >/dev/null 2>&1; then
    for folder in na one bare zero; do expect "plot of $folder" 0 "$folder/plots/states.svg" "$mote" plot $folder --format svg; done
fi

expect "what would never resample" 78 "optimal is for more candidates than slots" "$mote" filter a.ini -o never \
    --set filter.resampling=optimal
printf 'y\n0.1\n\n0.2\n\n' >gap.csv
expect "an empty line of one column" 0 "" "$mote" filter a.ini -q -o gap --set data.file=gap.csv
check "is a missing observation" test "$(cut -d, -f1-2 gap/a_steps.csv | tr '\n' ' ')" = "time,y 0,0.1 1, 2,0.2 "

# ---- a stream ----
sed 's/^file = .*/file = -/' a.ini >stream.ini
expect "standard input" 0 "time,log_evidence,increment,effective_sample_size,x_mean,x_sd" sh -c "'$mote' filter stream.ini <s.csv"
check "a line for each observation" test "$(wc -l <out)" -eq 51
check "the same evidence" near "$(tail -1 out | cut -d, -f2)" "$(tail -1 chains/a/a_steps.csv | cut -d, -f4)" 1e-6
check "no folder" test ! -e chains/stream
# The answer comes before the next observation is sent.
mkfifo pipe
: >live
"$mote" filter stream.ini <pipe >live 2>err &
exec 3<>pipe # readable, too: what is written before the program has opened it stays in it
printf 'y\n0.5\n' >&3
for wait in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do [ "$(wc -l <live)" -ge 2 ] && break; sleep 0.2; done
check "each line is flushed" test "$(wc -l <live)" -eq 2
exec 3>&-
wait $!
check "and the end of the input ends it" test $? -eq 0

# Stopped and continued: the rows of all sessions are those of one.
"$mote" filter stream.ini <s.csv >all_rows 2>err
head -21 s.csv >begin.csv
(head -1 s.csv; tail -n +22 s.csv) >rest.csv
same_rows() { cat "$@" | cmp - all_rows; }
expect "a stream with a folder" 0 "20 observations were taken" sh -c "'$mote' filter stream.ini -o live1 <begin.csv"
cp out rows1
check "holds a checkpoint" test -e live1/checkpoint.00000001
expect "a second start is refused" 73 "holds a run already" sh -c "'$mote' filter stream.ini -o live1 <s.csv"
expect "mote resume" 0 "20 observations were taken, the last of time 19" sh -c "'$mote' resume live1 <rest.csv"
check "gives the rows of one stream" same_rows rows1 out
check "and the results" test -s live1/stream.json
expect "--force begins anew" 0 "" sh -c "'$mote' filter stream.ini -q -f -o live1 <s.csv"
check "with all rows" same_rows out
expect "what was taken cannot come again" 65 "does not follow" sh -c "'$mote' resume live1 --set data.time=t <s.csv"
# SIGTERM while it waits, then kill -9 with a checkpoint behind each row.
await() { for wait in $(seq 100); do [ "$(wc -l <"$2")" -ge "$1" ] && return; sleep 0.1; done; }
: >rows1
"$mote" filter stream.ini -o live2 <pipe >rows1 2>err &
exec 3<>pipe # readable, too: what is written before the program has opened it stays in it
cat begin.csv >&3
await 21 rows1
kill -TERM $!
wait $!
check "a signal in mid-stream" test $? -eq 75
check "says how to go on" grep -q "stopped: 20 observations were taken; .* mote resume live2" err
: >rows2
"$mote" filter stream.ini --resume -o live2 --checkpoint-seconds 1e-6 <pipe >rows2 2>err &
(head -1 s.csv; sed -n '22,31p' s.csv) >&3
await 10 rows2
sleep 0.5
kill -KILL $!
wait $! 2>/dev/null
expect "after kill -9" 0 "30 observations were taken" sh -c "(head -1 s.csv; tail -n +32 s.csv) | '$mote' resume live2"
check "the rows are still those of one stream" same_rows rows1 rows2 out
# Without a folder.
for flag in --resume --force; do
    expect "$flag without a folder" 64 "kept with --output DIR only" sh -c "'$mote' filter stream.ini $flag <s.csv"
done
: >rows1
"$mote" filter stream.ini <pipe >rows1 2>err &
cat begin.csv >&3
await 21 rows1
kill -TERM $!
wait $!
check "a signal ends it" test $? -eq 143
check "with a word" grep -q "stopped after 20 observations; nothing is kept without --output" err
exec 3>&-
printf 'y\n0.1\n\n0.2\n\n' >gap.txt
expect "an empty line in a stream" 0 "2," sh -c "'$mote' filter stream.ini <gap.txt"
check "is a missing observation" test "$(cut -d, -f1 out | tr '\n' ' ')" = "time 0 1 2 "
expect "a bad line" 65 "standard input:3: column 1 (y): 'x'" sh -c "printf 'y\n1\nx\n' | '$mote' filter stream.ini"
expect "weights zero in a stream" 65 "standard input:4" sh -c "printf 'y\n1\n1\n1\n1\n' | '$mote' filter stream.ini --set model.potential=zero"
expect "only for mote filter" 78 "standard input" "$mote" run stream.ini --sampler filter -o never
finish
