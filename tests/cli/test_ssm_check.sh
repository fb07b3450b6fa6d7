#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# mote check, new and plot of state-space models. The model's faults are planted in tests/plugins/ssm.c.
. "${srcdir:-.}/tests/cli/lib.sh"

ssm=$plugins/ssm.so
question() {
    name=$1 code=$2 pattern=$3
    shift 3
    expect "$name" "$code" "$pattern" "$mote" check "$ssm" "$@"
}
question "check of a good model" 0 "0 failed"
also "log_transition is the normalised density of transition" "log_propose is the normalised density" "bound: log_transition stays" \
    "gradient: agrees" "additive: numbers, the same" "one particle against blocks" "cost of one particle"
question "threads" 0 "one thread against four: the same bytes" --set model.series=yes
question "a density that integrates to 1.2" 65 "FAIL  log_transition is not" --set model.density=unnormalised
question "a density that is 10 % too wide" 65 "FAIL  log_transition is not" --set model.density=wide
question "no density" 0 "0 failed" --set model.density=none
question "a bound that is too low" 65 "FAIL  bound: log_transition exceeds" --set model.bound=low
question "a gradient that is off by a percent" 65 "FAIL  gradient" --set model.gradient=wrong
question "a gradient without log_initial" 0 "gradient: agrees with finite differences at 300 particles" \
    --set model.density=later
question "an additive functional that is no number" 65 "FAIL  additive: of 3000 particles with weight" \
    --set model.additive=nan
question "an additive functional that depends on the block" 65 "FAIL  additive: answers otherwise" \
    --set model.additive=by_place
question "an additive functional that is no number for children of particles without weight" 0 "additive: numbers" \
    --set model.additive=parent --set model.potential=cut
also "gradient: agrees"
question "or of those with weight" 65 "FAIL  additive: of" --set model.additive=parent
question "a model that hangs" 65 "FAIL  the model did not answer within 0.5 s in log_potential, step 2, set 0" \
    --set model.potential=hang --set row_seconds=0.5
question "a model that crashes" 65 "FAIL  the model crashed (signal 11, Segmentation fault) in log_potential, step 2" \
    --set model.potential=segv
question "a proposal's gradient, in some parameters" 0 "proposal_gradient: agrees" --set model.slope=right --set model.series=yes
also "in 1 of 2 parameters"
question "a proposal's gradient that is off by a percent" 65 "FAIL  proposal_gradient" --set model.slope=wrong
question "a proposal's gradient that is zero" 65 "FAIL  proposal_gradient: zero" --set model.slope=zero
question "a proposal that is off by a third of its width" 65 "FAIL  log_propose is not" --set model.proposal=wrong
question "draws that depend on the block" 65 "FAIL  blocks: transition" --set model.draws=by_place
question "parameters of the block's first particle" 65 "FAIL  parameters" --set model.rows=no
question "potentials that are no numbers" 65 "FAIL  values" --set model.potential=nan
question "a model that stops" 65 "code -5" --set model.potential=stop
question "both models" 0 "model parabola" --set model.both=yes
also "model autoregression"

# Discrete laws, laws on an interval, maps, a degenerate law: tests/plugins/ssm_kinds.c.
kind() { expect "$1" "$2" "$3" "$mote" check "$plugins/ssm_kinds.so" --set model.kind="$4" --set model.density="${5:-right}"; }
kind "counts" 0 "log_transition is the normalised density" counts
kind "counts whose mean is off by 0.2" 65 "FAIL  log_transition is not" counts shifted
also "FAIL  log_initial is not"
kind "an interval" 0 "log_transition is the normalised density" interval
kind "an interval that is too long" 65 "FAIL  log_transition is not" interval long
kind "maps and a normal law" 0 "transition_map gives the law of transition" maps
also "gaussian: moments of the transition within"
kind "maps that are too wide" 65 "FAIL  transition_map" maps wrong_map
kind "a normal law with another covariance" 65 "FAIL  gaussian" maps wrong_normal
kind "a law without a density" 65 "lie on a surface" plane

# Opaque states: tests/plugins/ssm_handles.c.
handles() { expect "$1" "$2" "$3" "$mote" check "$plugins/ssm_handles.so" --set model.fault="$4"; }
handles "handles" 0 "packed objects go on as they were, fork copies faithfully, nothing is lost" none
handles "handles without pack" 0 "without pack and unpack there are no checkpoints" bare
handles "twins that share an object" 65 "FAIL  fork: copies do not move each on its own" shared
handles "a fork that changes" 65 "FAIL  fork: a particle is not a copy of its ancestor" changed
handles "a pack that forgets" 65 "FAIL  pack: an unpacked object is not the one" forgetful
handles "a pack that overruns" 65 "FAIL  pack: writes" overrun
if ! "$mote" check "$plugins/ssm_handles.so" | grep -q "cannot be measured"; then
    handles "a fork that loses objects" 65 "FAIL  drop: memory grows" lost
    handles "a drop that drops nothing" 65 "FAIL  drop: memory grows" kept
fi

expect "new ssm" 0 "cd vol && make run" "$mote" new ssm vol
expect "new without a kind" 64 "target NAME" "$mote" new vol
if command -v cc >/dev/null 2>&1 && command -v make >/dev/null 2>&1; then
    unset MAKEFLAGS MFLAGS MAKELEVEL
    cd vol || exit 1
    run() { make MOTE_CFLAGS="-I$source_folder/include" MOTE="$mote" "$@"; }
    expect "its model builds without a warning" 0 "" run CFLAGS='-O2 -Wall -Wextra -Werror'
    expect "passes the check" 0 "0 failed" run check
    expect "filters" 0 "log Z = " run run
    # Seeds 1 to 5 give -208.6 to -208.9, each with an error of 0.15.
    check "to its evidence" awk '/^log Z/ { exit !($4 > -209.7 && $4 < -207.9) }' out
    expect "twice is a no-op" 0 "finished already" run run
    expect "plot" 0 "chains/vol/plots/states.gp" "$mote" plot chains/vol --no-draw
    check "bands are in the data" awk '/# state0/ { on = 1; next } on && NF == 6 { ++n } /^$/ { on = 0 } END { exit n != 120 }' \
        chains/vol/plots/states.dat
    if command -v gnuplot >/dev/null 2>&1; then
        expect "picture" 0 "states.svg" "$mote" plot chains/vol --format svg
        check "is drawn" grep -q "</svg>" chains/vol/plots/states.svg
    fi
    expect "two at once" 64 "one run each" "$mote" plot chains/vol chains/vol
fi
if command -v c++ >/dev/null 2>&1; then
    cd "$work" || exit 1
    cat >walk.cc <<'CODE'
#define MOTE_PLUGIN_LINKS_NOTHING
#include <mote/plugin.h>
static int initial(void *, const mote_block *b, mote_source *source)
{
    mote_normals(source, b->state[0], b->n);
    return 0;
}
static int transition(void *, const mote_block *b, mote_source *source)
{
    for (int64_t i = 0; i < b->n; ++i) {
        mote_stream stream = mote_stream_open(source, b->first + i);
        b->state[0][i] = b->previous[0][i] + mote_stream_normal(&stream);
    }
    return 0;
}
static int log_potential(void *, const mote_block *b)
{
    for (int64_t i = 0; i < b->n; ++i)
        b->log_weight[i] = -(b->observation[0] - b->state[0][i]) * (b->observation[0] - b->state[0][i]);
    return 0;
}
MOTE_PLUGIN_ENTRY(const mote_host *, const mote_config *, mote_model *model)
{
    static const char *const states[] = { "x" }, *const observations[] = { "y" };
    static mote_ssm ssm = { MOTE_VERSIONED(mote_ssm) };
    ssm.states = states;
    ssm.observations = observations;
    ssm.state_count = ssm.observation_count = 1;
    ssm.initial = initial;
    ssm.transition = transition;
    ssm.log_potential = log_potential;
    ssm.name = "walk";
    model->ssm = &ssm;
    return 0;
}
CODE
    expect "a plug-in in C++ that links nothing" 0 "" c++ -std=c++17 -Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers \
        -Werror -I"$source_folder/include" -fPIC -shared -o walk.so walk.cc
    expect "passes the check" 0 "0 failed" "$mote" check ./walk.so
    printf 'y\n1\n2\n' >y.csv
    printf '[run]\nmodel = walk.so\n[data]\nfile = y.csv\n' >walk.ini
    expect "and filters" 0 "log Z" "$mote" filter walk.ini
    expect "also with workers asked for, which it does not need" 0 "log Z" "$mote" filter walk.ini --executor processes -o again
fi
finish
