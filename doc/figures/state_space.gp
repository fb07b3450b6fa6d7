# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 660,370 font "sans,11"
set output output
set xlabel "time t"
set ylabel "x_t"
set xrange [-0.5:19.5]
set yrange [-5:6]
set key top right
plot data index 0 using 1:2:(3*sqrt($3)) with points pt 7 ps variable lc rgb "#a8c0d8" title "particles, area by weight", \
     data index 1 with lines lw 1 lc rgb "#c05020" title "paths of the last ones", \
     data index 2 with points pt 2 ps 0.7 lc rgb "#000000" title "observations"
