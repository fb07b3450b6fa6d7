# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 900,540 font "sans,11"
set output output
set logscale y
set xlabel "time t"
set ylabel "root mean square error of E(x_t | all observations)"
set yrange [0.03:2]
set grid lc rgb "#dddddd"
set key top right
plot data index 0 with lines lw 1.5 lc rgb "#c05020" title "genealogy", \
     data index 1 with lines lw 1.5 lc rgb "#40a040" title "fixed lag, 6 steps", \
     data index 2 with lines lw 1.5 lc rgb "#2060a0" title "backward trajectories"
