# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 780,320 font "sans,9"
set output output
set multiplot layout 1,3 margins 0.075,0.985,0.16,0.95 spacing 0.04
set grid lc rgb "#dddddd"
set xlabel "x"
set key top right samplen 2
set ylabel "density" offset 1
set yrange [0:4.8]
plot data index 0 with lines lw 1.5 lc rgb "#000000" title "uniform .05 .95", \
     data index 1 with lines lw 1.5 lc rgb "#c05020" title "log\\_uniform .1 1", \
     data index 2 with lines lw 1.5 lc rgb "#40a040" title "beta 2 5", \
     data index 3 with lines lw 1.5 lc rgb "#2060a0" title "truncated\\_normal .8 .15 0 1"
unset ylabel
set yrange [0:1.25]
plot data index 4 with lines lw 1.5 lc rgb "#000000" title "half\\_normal 1", \
     data index 5 with lines lw 1.5 lc rgb "#c05020" title "half\\_cauchy 1", \
     data index 6 with lines lw 1.5 lc rgb "#40a040" title "exponential 1", \
     data index 7 with lines lw 1.5 lc rgb "#2060a0" title "gamma 3 .5", \
     data index 8 with lines lw 1.5 lc rgb "#a040a0" title "inverse\\_gamma 3 2"
set yrange [0:0.5]
plot data index 9 with lines lw 1.5 lc rgb "#000000" title "normal 0 1", \
     data index 10 with lines lw 1.5 lc rgb "#c05020" title "student 2 0 1"
unset multiplot
