#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# mote plot: data and scripts of runs and of chains of other codes, and pictures when gnuplot is there.
. "${srcdir:-.}/tests/cli/lib.sh"

printf '[run]\nmodel = gaussian\nseed = 3\n[nested]\nlive_points = 100\n' >g.ini
"$mote" run g.ini -q
"$mote" run g.ini -q --seed 4 -o other --name other
expect "plot of one run" 0 "chains/g/plots/corner.gp" "$mote" plot chains/g --no-draw
also "chains/g/plots/diagnostics.gp"
check "the data are written" test -s chains/g/plots/corner.dat
expect "plot of two runs" 0 "both/corner.gp" "$mote" plot chains/g other --no-draw -o both --prior
also "both/diagnostics-1-g.gp" "both/diagnostics-2-other.gp"

# A chain as GetDist writes it, without births: weight, -log L, parameters.
awk 'BEGIN { for (i = 0; i < 400; ++i) { x = (i * 7919 % 400) / 400; y = (i * 104729 % 397) / 397
             print 1, x * x, x, y } }' >foreign.txt
printf 'x1 x_1\nx2 x_2\n' >foreign.paramnames
expect "chains of another code over a run" 0 "mixed/corner.gp" "$mote" plot chains/g foreign --no-draw -o mixed
expect "one parameter" 0 "single/corner.gp" "$mote" plot chains/g --no-draw -o single -p x2
"$mote" run g.ini -q --set model.dimension=3 -o cubic --name cubic
expect "a parameter that only the second run has" 0 "wider/corner.gp" "$mote" plot chains/g cubic --no-draw -o wider -p x1,x3
expect "a parameter named twice" 64 "'x1' is named twice" "$mote" plot chains/g --no-draw -p x1,x1
expect "a chain with its ending" 0 "ending/corner.gp" "$mote" plot chains/g/g.txt --no-draw -o ending
# Runs of one ini file: the folders tell them apart.
"$mote" run g.ini -q --seed 5 -o five
"$mote" run g.ini -q --seed 6 -o deep/five/
expect "runs of one name" 0 "named/corner.gp" "$mote" plot chains/g five/ --no-draw -o named
check "have the names of their folders" grep -q "'five'" named/corner.gp
expect "runs of one name in folders of one name" 0 "paths/corner.gp" "$mote" plot five deep/five --no-draw -o paths
check "have their paths" grep -q "'deep/five'" paths/corner.gp
also "paths/diagnostics-2-five.gp"
expect "chains of one name" 0 "roots/corner.gp" "$mote" plot chains/g/g five/g --no-draw -o roots
check "have their folders" grep -q "'five/g'" roots/corner.gp
expect "an unknown parameter" 64 "no parameter 'x9'" "$mote" plot chains/g --no-draw -p x9
expect "a format that is none" 64 "png, svg or pdf" "$mote" plot chains/g --format gif
expect "a root that does not exist" 66 "absent" "$mote" plot absent
printf '1 2 3\n' >short.txt
printf 'x1 x_1\nx2 x_2\n' >short.paramnames
expect "columns that do not match the names" 65 "short" "$mote" plot short
expect "gnuplot is missing" 69 "data and script" env MOTE_GNUPLOT=/nonexistent/gnuplot "$mote" plot chains/g
if command -v gnuplot >/dev/null 2>&1; then
    expect "pictures" 0 "chains/g/plots/corner.svg" "$mote" plot chains/g --format svg
    check "the corner plot is drawn" grep -q "</svg>" chains/g/plots/corner.svg
    check "the diagnostics are drawn" grep -q "</svg>" chains/g/plots/diagnostics.svg
fi

mkdir damaged
echo '[run' >damaged/mote.ini
expect "plot of a folder with a damaged mote.ini" 78 "damaged/mote.ini:1" "$mote" plot damaged --no-draw
check "says so once" test "$(wc -l <err)" -eq 1
finish
