#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Likelihoods that fail, folders that cannot be written, disks that are full: named, coded, and nothing is lost.
. "${srcdir:-.}/tests/cli/lib.sh"

# fault NAME CODE PATTERN LIKELIHOOD
fault() {
    printf '[run]\nmodel = %s\nseed = 1\n[nested]\nlive_points = 50\n[model]\nlikelihood = %s\n' "$model" "$4" >$4.ini
    expect "$1" "$2" "$3" "$mote" run $4.ini
}
fault "likelihood NaN" 65 "pair: 150 of the first 150 evaluations failed, most because the log-likelihood was not a number" nan
fault "likelihood reports failure" 65 "failed, most because the likelihood function reported a failure" failing
also "pair: " "mend the model first"
fault "likelihood asks to stop" 65 "pair: the model asked to stop with code -7" stop
fault "likelihood zero everywhere" 65 "draws from the prior have zero likelihood" zero
also "pair: all of" "no checkpoint to continue from"
fault "constant likelihood" 0 "log Z" constant
check "whose evidence is 0" awk '/^log Z/ { exit !($4 < 0.01 && $4 > -0.01) }' out
fault "half of the prior fails" 65 "failed, most because the log-likelihood was not a number" half_nan
also "pair: " "limit: option failed_share = 0.1"
expect "which may be allowed" 0 "failed evaluations: nan" "$mote" run half_nan.ini --force --failed-share 1

printf '[run]\nmodel = gaussian\nseed = 3\n[nested]\nlive_points = 100\n' >g.ini
echo text >file
expect "output is a file" 73 "file" "$mote" run g.ini -o file
expect "output below a file" 73 "file" "$mote" run g.ini -o file/deeper
if [ "$(id -u)" -ne 0 ]; then
    mkdir closed
    chmod a-w closed
    expect "output cannot be written" 73 "closed" "$mote" run g.ini -o closed/deeper
fi

# ---- files that mote never wrote
mkdir f9
cp g.ini f9/lcdm.ini
for file in lcdm.bib lcdm_notes.txt checkpoint.notes; do echo mine >f9/$file; done
expect "--force in a folder without a run" 0 "" "$mote" run f9/lcdm.ini --force -q -o f9
cp f9/lcdm_dead-birth.txt first
expect "--force over the run" 0 "" "$mote" run f9/lcdm.ini --force -q -o f9
check "writes it again" cmp first f9/lcdm_dead-birth.txt
for file in lcdm.ini lcdm.bib lcdm_notes.txt checkpoint.notes; do check "and leaves $file" test -s f9/$file; done
check "the old checkpoints have gone" test "$(ls f9 | grep -c 'checkpoint\.0')" -eq 1
echo mine >f9/other.txt
expect "--force with another name" 73 "f9/other.txt exists" "$mote" run f9/lcdm.ini --force -q -o f9 --name other
expect "of no files" 0 "" "$mote" run f9/lcdm.ini --force -q -o f9 --name third
check "removes those of the run before" test ! -e f9/lcdm.json
mkdir own
echo mine >own/g.txt
expect "a folder with a foreign result file" 73 "own/g.txt exists" "$mote" run g.ini -q -o own
expect "which --force does not overwrite" 73 "own/g.txt exists" "$mote" run g.ini -q -o own --force
expect "nor --resume" 73 "own/g.txt exists" "$mote" run g.ini -q -o own --resume
check "and which stays" test "$(cat own/g.txt)" = mine
check "alone" test "$(ls own)" = g.txt
mkdir renamed
"$mote" run g.ini -q -o renamed
echo mine >renamed/h.txt
expect "a resumed run under another name" 73 "renamed/h.txt exists" "$mote" run g.ini -q -o renamed --resume --name h
check "leaves the file of that name" test "$(cat renamed/h.txt)" = mine
expect "a run whose chain would be its log" 78 "log.txt is the run's log" "$mote" run g.ini -q -o logs --name log
mkdir elsewhere
echo mine >elsewhere/h.txt
expect "foreign files of other names do not matter" 0 "" "$mote" run g.ini -q -o elsewhere
rm elsewhere/mote.ini
expect "a run whose mote.ini was lost" 73 "elsewhere/checkpoint." "$mote" run g.ini -q -o elsewhere

# A file size limit answers write as a full disk does. 20 blocks of 512 bytes hold mote.ini, not the results.
"$mote" run g.ini -q -o whole
expect "disk full" 74 "from the beginning with: mote resume full" sh -c "ulimit -f 20; exec '$mote' run g.ini -q -o full"
expect "and nothing is lost" 0 "" "$mote" resume full -q
check "the same bytes" cmp whole/g_dead-birth.txt full/g_dead-birth.txt
expect "disk full for plots" 74 "plotted" sh -c "ulimit -f 1; exec '$mote' plot whole --no-draw -o plotted"

# So narrow in one direction that the ellipsoids have no numbers: the advice is not what is in force.
fault "a narrow likelihood, step = auto" 65 "(step = slice does without them)" narrow
expect "step = bound" 65 "(step = slice or auto does without them)" "$mote" run narrow.ini -q -f --step bound
expect "step = slice does" 0 "" "$mote" run narrow.ini -q -f --step slice
expect "standard output full" 74 "could not be written" sh -c "'$mote' config >/dev/full"
finish
