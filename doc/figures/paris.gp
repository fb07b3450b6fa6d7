# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 900,540 font "sans,11"
set output output
set logscale xy
set xlabel "time t"
set ylabel "root mean square error of E(sum x_{s-1} x_s | y_0..y_t)"
set xrange [10:400]
set yrange [0.5:60]
set grid lc rgb "#dddddd"
set key top left
plot data index 0 with lines lw 2 lc rgb "#c05020" title "genealogy", \
     data index 1 with lines lw 2 lc rgb "#40a040" title "PaRIS, one draw (M = 1)", \
     data index 2 with lines lw 2 lc rgb "#2060a0" title "PaRIS, two draws (M = 2)", \
     0.13 * x with lines dt 2 lc rgb "#999999" title "t", 0.26 * sqrt(x) with lines dt 3 lc rgb "#999999" title "t^{1/2}"
