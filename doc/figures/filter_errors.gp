# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 900,540 font "sans,11"
set output output
set xlabel "lag, resampling events"
set ylabel "variance of log Z"
set xrange [0:51]
set yrange [0.04:0.08]
set grid lc rgb "#dddddd"
set key top left
plot data index 0 using 1:3:4 with filledcurves fc rgb "#c8d8e8" title "estimates of single runs, 80 %", \
     data index 0 using 1:2 with linespoints pt 7 lc rgb "#2060a0" title "their mean", \
     data index 1 with lines dt 2 lc rgb "#000000" title "variance of 1000 replicates", \
     data index 1 using 1:($2*0.955) with lines dt 3 lc rgb "#777777" title "its standard error", \
     data index 1 using 1:($2*1.045) with lines dt 3 lc rgb "#777777" notitle
