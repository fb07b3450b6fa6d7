# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 900,540 font "sans,11"
set output output
set logscale xy
set format y "10^{%L}"
set xlabel "particles N"
set ylabel "mean square error of log Z"
set grid lc rgb "#dddddd"
set key top right
plot data index 0 with linespoints pt 7 lc rgb "#c05020" title "random numbers, stratified resampling", \
     data index 1 with linespoints pt 7 lc rgb "#2060a0" title "Sobol net, particles sorted", \
     30 * x**-1 with lines dt 2 lc rgb "#999999" title "N^{-1}", 250 * x**-2.3 with lines dt 3 lc rgb "#999999" title "N^{-2.3}"
