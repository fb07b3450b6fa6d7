#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Help, version, key lists, completion, and what is said to wrong verbs and flags.
. "${srcdir:-.}/tests/cli/lib.sh"

expect "help" 0 "usage: mote VERB" "$mote" --help
expect "version" 0 "mote 0." "$mote" --version
expect "no verb" 64 "usage: mote VERB" "$mote"
expect "unknown verb" 64 "did you mean 'summarize'" "$mote" sumarize
expect "unknown verb, none near" 64 "mote --help" "$mote" zzzzzzzz
for verb in run resume summarize plot eval check new config completion; do
    expect "help of $verb" 0 "usage: mote $verb" "$mote" $verb --help
done
expect "unknown flag" 64 "did you mean '--resume'" "$mote" run --resumme x.ini
expect "flag of an option" 64 "did you mean '--live-points'" "$mote" run --live-poinst 3 x.ini
expect "flag without its value" 64 "needs a value" "$mote" run x.ini --set
expect "run without a file" 64 "one ini file" "$mote" run
expect "run with flags that exclude each other" 64 "exclude" "$mote" run --resume --force x.ini
expect "resume without a folder" 64 "output folder" "$mote" resume
expect "summarize without a folder" 64 "output folder" "$mote" summarize
expect "new without a name" 64 "new target NAME" "$mote" new target
expect "new with a bad name" 64 "'a/b' is no name" "$mote" new target a/b

expect "keys" 0 "live_points" "$mote" config
also "[run]" "[nested]" "[prior]" "checkpoint_seconds" "truncated_normal(mean sd lower upper)"
expect "one key" 0 "[nested] live_points = 500" "$mote" config live_points
expect "one common key" 0 "[run] seed = 0" "$mote" config seed
expect "a key of several samplers" 0 "[filter] particles = 1000" "$mote" config particles
also "[smc] particles = 5000" "[smc2] particles = 100"
expect "a key of one section" 0 "[smc2] particles = 100" "$mote" config smc2.particles
check "and of no other" sh -c '! grep -q "\[filter\]" out'
for key in model sampler output name learn file observations inputs time; do
    expect "key $key" 0 "$key" "$mote" config $key
    check "is explained" test "$(wc -l <out)" -gt 1
done
expect "a key with the section that all share" 0 "[run] seed = 0" "$mote" config run.seed
expect "a key that the section does not have" 64 "section [prior] has no key 'live_points'" \
    "$mote" config prior.live_points
also "[nested] live_points"
expect "a misspelt key of a section" 64 "did you mean 'live_points'" "$mote" config nested.live_pionts
expect "a misspelt key" 64 "did you mean 'live_points'" "$mote" config live_pionts
"$mote" config --dump >all.ini
expect "the dump reads back" 0 "log_likelihood" "$mote" eval all.ini x1=0 x2=0

expect "bash completion" 0 "complete -o filenames -F _mote mote" "$mote" completion bash
check "bash completion knows the options" grep -q -e "--live-points" out
if command -v bash >/dev/null 2>&1; then
    cp out completion.bash
    bash -c '. ./completion.bash; COMP_WORDS=(mote re) COMP_CWORD=1; _mote; echo "${COMPREPLY[@]}"' >words
    check "bash completes a verb" grep -q -x "resume" words
    bash -c '. ./completion.bash; COMP_WORDS=(mote run --live) COMP_CWORD=2; _mote; echo "${COMPREPLY[@]}"' >words
    check "bash completes an option" grep -q -x -e "--live-points" words
fi
expect "zsh completion" 0 "#compdef mote" "$mote" completion zsh
expect "completion of no shell" 64 "bash or zsh" "$mote" completion fish
finish
