#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A run from start to end: files, folder states, limits, stop and resume, --resume in its three states, comparison.
. "${srcdir:-.}/tests/cli/lib.sh"

printf '[run]\nmodel = gaussian\nseed = 3\n[nested]\nlive_points = 100\n' >g.ini

expect "run" 0 "log Z" "$mote" run g.ini
check "no live line when piped" test ! -s err
for file in mote.ini g.txt g.paramnames g.ranges g_dead-birth.txt g_equal_weights.txt g.json log.txt; do
    check "writes $file" test -e chains/g/$file
done
# log Z = -2 log 20 = -5.991; the error at 100 points is about 0.2: 6 of them. A wrong prior volume is off by log 20.
check "evidence of a gaussian" awk '/^log Z/ { found = 1; if ($4 < -7.2 || $4 > -4.8) exit 1 } END { exit !found }' out
expect "second run into the folder" 73 "chains/g holds a run already (finished)" "$mote" run g.ini
also "--resume" "--force" "--output"
cp chains/g/g_dead-birth.txt first
expect "--resume of a finished run" 0 "finished already" "$mote" run g.ini --resume
check "which changes nothing" cmp first chains/g/g_dead-birth.txt
expect "--resume of a finished run with another seed" 78 "is not the one of this file" "$mote" run g.ini --resume --seed 4
also "seed = 3" "seed = 4"
expect "or of another model" 78 "identity" "$mote" run g.ini --resume --set model.sd=2
check "which changes nothing, either" cmp first chains/g/g_dead-birth.txt
rm chains/g/g.json chains/g/g_dead-birth.txt
expect "--resume of a finished run without its files" 0 "finished already" "$mote" run g.ini --resume -q
check "writes them again" cmp first chains/g/g_dead-birth.txt
check "all of them" test -e chains/g/g.json
expect "--force" 0 "" "$mote" run g.ini --force -q
check "the same seed gives the same bytes" cmp first chains/g/g_dead-birth.txt
expect "--resume of nothing starts" 0 "" "$mote" run g.ini --resume -q -o fresh
check "a new folder, the same bytes" cmp first fresh/g_dead-birth.txt
expect "another seed" 0 "" "$mote" run g.ini -q -o other --seed 4 --name h
check "gives other bytes" sh -c '! cmp -s first other/h_dead-birth.txt'
expect "standard input" 0 "" sh -c "'$mote' run - -q -o piped <g.ini"
check "the same bytes" cmp first piped/stdin_dead-birth.txt

# ---- limits and resumption
expect "a limit of calls" 0 "ended by a limit" "$mote" run g.ini -q -o limited --max-calls 400
expect "state of it" 73 "(limit)" "$mote" run g.ini -o limited
expect "summary of it" 0 "ended by calls" "$mote" summarize limited
expect "going on" 0 "" "$mote" resume limited -q --max-calls 0
check "gives the bytes of the run without a limit" cmp first limited/g_dead-birth.txt
expect "another seed is another run" 78 "seed" sh -c "'$mote' run g.ini -q -o cut --max-calls 400 2>/dev/null;
    '$mote' run g.ini -q -o cut --resume --seed 9"
expect "another model is another run" 78 "" "$mote" run g.ini -q -o cut --resume --set model.sd=2

rm -f cut/checkpoint*
expect "without a checkpoint" 0 "had no checkpoint yet" "$mote" run g.ini -q -o cut --resume

# ---- signals: a slow model, stopped in the middle
printf '[run]\nmodel = %s\nseed = 5\n[nested]\nlive_points = 60\n[model]\ncost = 400\n' "$model" >slow.ini
"$mote" run slow.ini -q -o whole >/dev/null 2>&1
"$mote" run slow.ini -q -o stopped >out 2>err &
pid=$!
tries=0
while [ ! -e stopped/mote.ini ] && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
sleep 0.3
kill -TERM $pid
wait $pid
code=$?
check "a signal: exit code 75" test "$code" -eq 75
name="the message"
also "continue with: mote resume stopped"
expect "a stopped folder can be summarized" 0 "not finished" "$mote" summarize stopped
expect "--resume of a stopped run" 0 "" "$mote" run slow.ini -q -o stopped --resume
check "gives the bytes of the whole run" cmp whole/slow_dead-birth.txt stopped/slow_dead-birth.txt

# ---- result files of a run that is still going
"$mote" run slow.ini -q -o going --checkpoint-seconds 0.1 >/dev/null 2>&1 &
pid=$!
tries=0
while [ ! -e going/slow.json ] && [ $tries -lt 200 ]; do sleep 0.02; tries=$((tries + 1)); done
expect "a running folder can be summarized" 0 "not finished" "$mote" summarize going
wait $pid
check "writing its files changes nothing" cmp whole/slow_dead-birth.txt going/slow_dead-birth.txt

# ---- a killed run goes on from its checkpoint
"$mote" run slow.ini -q -o killed --checkpoint-seconds 0.1 >/dev/null 2>&1 &
pid=$!
tries=0
while ! ls killed/checkpoint.* >/dev/null 2>&1 && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
expect "two runs in one folder" 73 "killed" "$mote" run slow.ini -q -o killed --resume
kill -KILL $pid
wait $pid 2>/dev/null
expect "after kill -9" 0 "" "$mote" resume killed -q
check "the bytes of the whole run" cmp whole/slow_dead-birth.txt killed/slow_dead-birth.txt

# ---- a finished run goes on when its stop rule is tightened
expect "a coarse run" 0 "" "$mote" run g.ini -q -o prec --set precision=0.1
expect "with a finer stop rule it goes on" 0 "had finished, and went on" "$mote" resume prec -q --set precision=1e-6
"$mote" run g.ini -q -o fine --set precision=1e-6
check "to the bytes of the fine run" cmp prec/g_dead-birth.txt fine/g_dead-birth.txt
expect "other simulations: the results again" 0 "written again" "$mote" resume prec -q --set simulations=500
check "with them" grep -q '"simulations": 500' prec/g.json
check "the draws are the same" cmp prec/g_dead-birth.txt fine/g_dead-birth.txt
expect "nothing changed" 0 "has finished already" "$mote" resume prec -q
check "nothing written" sh -c '! grep -q "written again" err'
# The line of a batch script, whose rule is looser than the one by which the run ended, leaves everything as it is.
cat prec/mote.ini prec/g.json >before
expect "a looser rule" 0 "ask for no more draws" "$mote" run g.ini -q -o prec --resume --set precision=0.1 \
    --set simulations=500
check "results are not written again" sh -c '! grep -q "written again" err'
cat prec/mote.ini prec/g.json >after
check "nothing is touched" cmp before after
expect "with other simulations, too" 0 "written again" "$mote" run g.ini -q -o prec --resume --set precision=0.1 \
    --set simulations=400
check "they are recorded" grep -q "^simulations = 400" prec/mote.ini
check "the rule by which it ended stays" grep -q "^precision = 1e-06" prec/mote.ini
check "the results state it" grep -q '"precision": \(1e-0*6\|9.9999\)' prec/g.json
rm prec/g.json prec/g.txt
expect "lost results with a looser rule" 0 "written again" "$mote" run g.ini -q -o prec --resume --set precision=0.1
check "are made again" grep -q '"precision": \(1e-0*6\|9.9999\)' prec/g.json
check "with the draws" test -s prec/g.txt
expect "more draws from the prior" 0 "" "$mote" run g.ini -q -o few --sampler prior --draws 100
expect "are added" 0 "went on" "$mote" resume few -q --draws 2000
check "all of them" test "$(grep -c -v '^#' few/g.txt)" -ge 2000

# ---- a limit before the first draws
printf '[run]\nmodel = %s\nseed = 3\nmax_seconds = 0.3\n[model]\ncost = 2000\n' "$model" >early.ini
expect "a limit before the first draws" 0 "no draws yet" "$mote" run early.ini
expect "summary of it" 66 "the run has no draws yet" "$mote" summarize chains/early

# ---- texts of any length are part of the identity
printf '[run]\nmodel = gaussian\nsampler = smc\nseed = 3\noutput = tempered\nname = t\n[smc]\nparticles = 50\nschedule =' >a.ini
cp a.ini b.ini
awk 'BEGIN { for (i = 1; i <= 200; ++i) printf " %.9g", (i / 200) ^ 3; print "" }' >>a.ini
awk 'BEGIN { for (i = 1; i <= 200; ++i) printf " %.9g", (i == 150 ? 0.999 : 1) * (i / 200) ^ 3; print "" }' >>b.ini
expect "a long schedule" 0 "" "$mote" run a.ini -q
expect "is recognised" 0 "has finished already" "$mote" run a.ini -q --resume
expect "another one is another run" 78 "schedule" "$mote" run b.ini -q --resume
also " 0.421875 " " 0.421453125 " # where they differ

# ---- fewer evaluations than were made
printf '[run]\nmodel = %s\nsampler = score_ascent\nseed = 3\noutput = climb\n[score_ascent]\nparticles = 50\niterations = 3
evaluations = 4\n[model]\nseries = yes\n' "$plugins/ssm.so" >climb.ini
expect "score ascent" 0 "" "$mote" run climb.ini -q
cp climb/climb.json before
expect "fewer evaluations than were made" 0 "ask for no more draws" "$mote" resume climb -q --set evaluations=2
check "leave the results" cmp before climb/climb.json
expect "with more iterations" 0 "went on" "$mote" resume climb -q --set evaluations=2 --set iterations=5
expect "with these from the start" 0 "" "$mote" run climb.ini -q -o direct --set evaluations=2 --set iterations=5
check "the same bytes" cmp climb/climb.txt direct/climb.txt

# ---- a run from standard input goes on from another folder
mkdir deep
cp "$model" deep/m.so
expect "standard input, a model beside it" 0 "" sh -c "cd deep && printf '[run]\nmodel = ./m.so\nseed = 1\nmax_calls = 300\n' |
    '$mote' run - -q -o o"
expect "resumed from elsewhere" 0 "" "$mote" resume deep/o -q --max-calls 0

# ---- other samplers, comparisons
expect "prior" 0 "" "$mote" run g.ini -q -o drawn --sampler prior --draws 50
check "has its draws" test "$(grep -c -v '^#' drawn/g.txt)" -eq 50
expect "comparison of equal models" 0 "log B" "$mote" summarize chains/g other
also "priors of chains/g"
expect "comparison of other data" 0 "no Bayes factor: data or likelihood differ" "$mote" summarize chains/g whole
also "the models gaussian and model.so"

# ---- what differs, in words: the comparison of two runs of 30 live points
short() { folder=$1; shift; "$mote" run "$@" -q -o "$folder" --live-points 30 >out 2>err || fail "run $folder" "exit code $?"; }
differ() { expect "$1" 0 "$2" "$mote" summarize "$3" "$4"; }
printf '[run]\nmodel = %s\n[model]\nwidth = 1\n' "$model" >pair.ini
printf '1 0.5\n2 0.25\n' >seen.txt
printf '1 0.5\n2 0.75\n' >again.txt
mkdir elsewhere
printf '1 0.5\n2 0.125\n' >elsewhere/seen.txt
short one pair.ini
short two pair.ini --set model.width=2 --set model.threads=yes
differ "another setting" "differ: [model] width: 1 and 2; [model] threads: (not set) and yes" one two
short seen pair.ini --set model.data=seen.txt --set model.identity=yes
short again pair.ini --set model.data=again.txt --set model.identity=yes
short moved pair.ini --set model.data=elsewhere/seen.txt --set model.identity=yes
differ "another data file" "differ: data file seen.txt only in seen; data file again.txt only in again" seen again
differ "a data file of another content" "differ: content of the data file seen.txt" seen moved
differ "words and hashes" "differ: likelihood: the models model.so and model.so, one of which does not say" one seen
short priors pair.ini --set "parameters.slope=uniform -5 6"
differ "another prior" "different priors of parameters that both have: slope" one priors
check "which is no reason to refuse" grep -q "log B = " out
MOTE_PLUGIN_PATH=$build/examples/cosmology/.libs
export MOTE_PLUGIN_PATH
sky() { folder=$1; shift; short "$folder" "$source_folder/examples/cosmology/lcdm.ini" "$@"; }
sky cc --set model.data=cc15
sky cc_bao --set "model.data=cc15 desi_dr2" --set "model.gaussian.h=0.7 0.1"
sky cc_sn --set "model.data=cc15 union3" --set "model.gaussian.h=0.7 0.2"
sky uncut --set model.model=cpl --set model.data=cc15
sky wedge --set model.model=cpl --set model.data=cc15 --set "model.constraint=w + wa < 0"
# log .775 = -.2549, with 100,000 draws to .0017.
expect "a joint constraint in the ini file" 0 "log prior mass of the joint constraint -0.25" "$mote" summarize wedge
differ "evidences with and without it" "log B" uncut wedge
also "joint constraint of log mass -0.25"
expect "a point outside it" 0 "outside the joint constraint" "$mote" eval "$source_folder/examples/cosmology/cpl.ini" \
    --set "model.constraint=w + wa < 0" omega_m=0.3 h=0.7 hrd=101 w=-1 wa=1.5
differ "another data set" "differ: data: desi_dr2 only in cc_bao; 'gaussian h 0.69999999999999996 0.10" cc cc_bao
differ "sets and Gaussian terms" "differ: data: desi_dr2 only in cc_bao; data: union3 only in cc_sn; 'gaussian h" cc_bao cc_sn
also "only in cc_bao; 'gaussian h 0.69999999999999996 0.20"
finish
