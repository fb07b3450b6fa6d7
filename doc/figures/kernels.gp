# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 900,540 font "sans,11"
set output output
set logscale xy
set xlabel "dimension d"
set ylabel "integrated autocorrelation time, transitions"
set xrange [0.9:56]
set yrange [1:400]
set xtics (1, 2, 4, 8, 16, 32, 48)
set grid lc rgb "#dddddd"
set key top left
plot data index 0 with linespoints pt 7 lc rgb "#c05020" title "random walk", \
     data index 2 with linespoints pt 7 lc rgb "#2060a0" title "MALA", \
     data index 1 with linespoints pt 7 lc rgb "#40a040" title "independence, one Student part", \
     3.6 * x with lines dt 2 lc rgb "#999999" title "d", 1.75 * x**(1./3) with lines dt 3 lc rgb "#999999" title "d^{1/3}"
