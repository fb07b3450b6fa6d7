# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 900,540 font "sans,11"
set output output
set logscale xy
set xlabel "dimension"
set ylabel "likelihood calls for each birth"
set xrange [1.8:33]
set yrange [1:150]
set xtics (2, 3, 5, 7, 10, 14, 20, 30)
set grid lc rgb "#dddddd"
set key bottom right
plot data index 2 with linespoints pt 7 lc rgb "#40a040" title "walk", \
     data index 1 with linespoints pt 7 lc rgb "#2060a0" title "slice", \
     data index 0 with linespoints pt 7 lc rgb "#c05020" title "bound", \
     data index 3 with linespoints pt 6 ps 1.6 dt 2 lc rgb "#000000" title "auto"
