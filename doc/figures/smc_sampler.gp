# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 900,540 font "sans,11"
set output output
set multiplot
set grid lc rgb "#dddddd"
set lmargin at screen 0.09
set rmargin at screen 0.46
set bmargin at screen 0.12
set tmargin at screen 0.95
set logscale y
set format y "10^{%L}"
set xlabel "level"
set ylabel "power of the likelihood"
set key bottom right
plot data index 0 with linespoints pt 7 lc rgb "#c05020" title "d = 2", \
     data index 1 with linespoints pt 7 lc rgb "#40a040" title "d = 10", \
     data index 2 with linespoints pt 7 ps 0.6 lc rgb "#2060a0" title "d = 50"
set lmargin at screen 0.57
set rmargin at screen 0.98
set logscale xy
set format xy "%g"
set format x "10^{%L}"
set xlabel "likelihood calls, d = 10"
set ylabel "root mean square error of log Z" offset 1
set key bottom left
set yrange [0.05:0.5]
set xrange [2e4:4e5]
plot data index 4 with linespoints pt 7 lc rgb "#c05020" title "waste-free, random walk", \
     data index 5 with linespoints pt 6 dt 2 lc rgb "#2060a0" title "plain, MALA", \
     data index 3 with linespoints pt 7 lc rgb "#2060a0" title "waste-free, MALA"
unset multiplot
