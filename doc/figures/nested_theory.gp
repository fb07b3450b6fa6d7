# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 900,540 font "sans,11"
set output output
set xlabel "(log Z - truth) / stated error"
set ylabel "density of 400 runs"
set xrange [-4:4]
set yrange [0:0.55]
set grid lc rgb "#dddddd"
set key top right
plot data index 0 with histeps lw 1.5 lc rgb "#2060a0" title "gauss, 2 dimensions", \
     data index 1 with histeps lw 1.5 lc rgb "#c05020" title "eggbox, 2 dimensions", \
     exp(-x*x/2)/sqrt(2*pi) with lines lw 1.5 dt 2 lc rgb "#000000" title "standard normal"
