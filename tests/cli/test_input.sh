#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Bad input: each gets a message that names the culprit, and its exit code; nothing is written.
. "${srcdir:-.}/tests/cli/lib.sh"

# try NAME CODE PATTERN: runs x.ini
try() { expect "$1" "$2" "$3" "$mote" run x.ini; }
good="[run]
model = $model"

expect "missing ini file" 66 "absent.ini" "$mote" run absent.ini
printf '[run]\nmodel gaussian\n' >x.ini
try "line without =" 78 "x.ini:2"
printf '[run]\nmodel = gaussian\nmodel = eggbox\n' >x.ini
try "repeated key" 78 "x.ini:3"
printf '[run]\nmodel = gaussian\nsede = 1\n' >x.ini
try "misspelt key" 78 "x.ini:3: unknown key 'sede' in [run]; did you mean 'seed'?"
printf '[run]\nmodel = gaussian\n[nested]\nlive_pionts = 1\n' >x.ini
try "misspelt option" 78 "x.ini:4: unknown key 'live_pionts' in [nested]; did you mean 'live_points'?"
printf '[run]\nmodel = gaussian\nlive_points = 100\n' >x.ini
try "option in the wrong section" 78 "x.ini:3: 'live_points' belongs in section [nested]"
printf '[run]\nmodel = gaussian\n[prior]\ndrawss = 100\n' >x.ini
try "misspelt option of a sampler that is not used" 78 "did you mean 'draws'"
printf '[run]\nmodel = gaussian\n[netsed]\n' >x.ini
try "misspelt section" 78 "x.ini:3: unknown section [netsed]; did you mean [nested]?"
printf '[run]\nmodel = gaussian\n[nested]\nlive_points = many\n' >x.ini
try "option that is no number" 78 "x.ini:4"
also "live_points" "many"
printf '[run]\nmodel = gaussian\n[nested]\nlive_points = 1\n' >x.ini
try "option out of bounds" 78 "x.ini:4"
printf '[run]\nmodel = gaussian\nsampler = nestd\n' >x.ini
try "unknown sampler" 78 "x.ini:3: unknown sampler 'nestd'; did you mean 'nested'?"
printf '[run]\nseed = 1\n' >x.ini
try "no model" 78 "key 'model' is missing"
printf '[run]\nmodel = absent.so\n' >x.ini
try "missing model" 66 "model 'absent.so' was not found"
printf '[run]\nmodel = gaussian\n[model]\ndimensoin = 3\n' >x.ini
try "misspelt key of the model" 78 "x.ini:4: unknown key 'dimensoin'"
printf '[run]\nmodel = gaussian\n[model]\nsd = -1\n' >x.ini
try "bad value for the model" 78 "sd must be positive"
printf '[run]\nmodel = gaussian\n[parameters]\nx3 = 1\n' >x.ini
try "unknown parameter" 78 "x.ini:4: gaussian has no parameter 'x3'"
printf '[run]\nmodel = gaussian\n[parameters]\nx1 = uniform 5 -5\n' >x.ini
try "bounds reversed" 78 "x.ini:4: x1 = uniform 5 -5"
printf '[run]\nmodel = gaussian\n[parameters]\nx1 = unform 0 1\n' >x.ini
try "unknown prior" 78 "did you mean 'uniform'"
printf '[run]\nmodel = gaussian\n[parameters]\nx1 = 0\nx2 = 0\n' >x.ini
try "nothing left to sample" 78 "gaussian has no parameter to sample: all are fixed or derived"

for odd in no_symbol no_abi newer no_target wrong_kind; do
    printf '[run]\nmodel = %s\n' "$plugins/$odd.so" >x.ini
    try "plug-in $odd" 78 "$odd.so"
done
printf '[run]\nmodel = %s\n' "$plugins/newer.so" >x.ini
try "plug-in of a newer ABI" 78 "ABI 2"
printf '%s\n[model]\ndata = absent.txt\n' "$good" >x.ini
try "missing data file" 66 "absent.txt"
printf '1 2\n3 4 5\n' >data.txt
printf '%s\n[model]\ndata = data.txt\n' "$good" >x.ini
try "wrong column count" 65 "data.txt:2: two columns are needed"
printf '%s\n[parameters]\nchi2_pair = uniform 0 1\n' "$good" >x.ini
try "prior for a derived parameter" 78 "chi2_pair = uniform 0 1: it is computed by the model"
expect "--set without =" 64 "--set seed" "$mote" run x.ini --set seed
expect "--set of an unknown option" 64 "'sede' is no option" "$mote" run x.ini --set sede=1
expect "--set of an unknown key" 78 "unknown key 'sede'" "$mote" run x.ini --set run.sede=1

printf '%s\n' "$good" >x.ini
expect "a hidden name" 78 "begins with '.'" "$mote" run x.ini --name ..
expect "the executor of programs" 78 "executor = external is for programs" "$mote" run x.ini --executor external
printf '[run]\nmodel = gaussian # comment\n' >x.ini
try "a comment after '#'" 66 "x.ini:2: the value of 'model' holds ' #': comments after a value begin with ';'"
printf '[run]\nmodel = gaussian\nseed = 3 # comment\n' >x.ini
try "and after a number" 78 "x.ini:3: the value of 'seed' holds ' #'"

check "nothing was written" test ! -e chains

printf '%s\n' "$good" >x.ini
expect "eval of an unknown parameter" 64 "did you mean 'slope'" "$mote" eval x.ini slop=1
expect "eval without a number" 64 "name=number" "$mote" eval x.ini slope=steep
expect "resume of a folder that is none" 66 "absent" "$mote" resume absent
expect "summarize of a folder that is none" 66 "absent" "$mote" summarize absent
mkdir empty
expect "summarize of a folder without a run" 66 "holds no run" "$mote" summarize empty
mkdir damaged
printf '[run]\nmodel = gaussian\nname g\n' >damaged/mote.ini
for verb in summarize plot resume; do expect "$verb of a damaged mote.ini" 78 "damaged/mote.ini:3" "$mote" $verb damaged; done
printf '[run]\nmodel = gaussian\n' >x.ini
expect "a run into it" 73 "damaged/mote.ini:3" "$mote" run x.ini -o damaged
finish
