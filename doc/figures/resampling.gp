# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 900,540 font "sans,11"
set output output
set logscale xy
set xlabel "standard deviation of the log-weights"
set ylabel "added variance, over that of multinomial resampling"
set xrange [0.05:3]
set yrange [0.002:2]
set grid lc rgb "#dddddd"
set key at graph 0.36, graph 0.46 right top
plot data index 0 with linespoints pt 7 lc rgb "#000000" title "multinomial", \
     data index 1 with linespoints pt 5 lc rgb "#999999" title "killing", \
     data index 2 with linespoints pt 9 lc rgb "#c05020" title "residual", \
     data index 3 with linespoints pt 13 lc rgb "#e0a020" title "stratified", \
     data index 4 with linespoints pt 11 lc rgb "#40a040" title "ssp", \
     data index 5 with linespoints pt 7 lc rgb "#2060a0" title "systematic", \
     data index 6 with linespoints pt 6 dt 2 lc rgb "#2060a0" title "systematic, particles sorted"
