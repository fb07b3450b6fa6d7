# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 800,480 font "sans,11"
set output output
set multiplot layout 2,1 margins 0.09,0.98,0.1,0.97 spacing 0.05
set xrange [1871:1970]
set yrange [400:1600]
set ylabel "annual flow, 10^8 m^3"
set grid lc rgb "#dddddd"
set key top right horizontal
set format x ""
plot data using 1:($4-1.96*$5):($4+1.96*$5) with filledcurves fc rgb "#f0d8c8" title "95 %", \
     data using 1:4 with lines lw 2 lc rgb "#c05020" title "filter: given the past", \
     data using 1:($3 == 0 ? $2 : NaN) with points pt 7 ps 0.6 lc rgb "#000000" title "seen", \
     data using 1:($3 == 1 ? $2 : NaN) with points pt 6 ps 0.7 lc rgb "#777777" title "withheld"
set format x "%g"
set xlabel "year"
plot data using 1:($6-1.96*$7):($6+1.96*$7) with filledcurves fc rgb "#c8d8e8" title "95 %", \
     data using 1:6 with lines lw 2 lc rgb "#2060a0" title "smoother: given all", \
     data using 1:($3 == 0 ? $2 : NaN) with points pt 7 ps 0.6 lc rgb "#000000" notitle, \
     data using 1:($3 == 1 ? $2 : NaN) with points pt 6 ps 0.7 lc rgb "#777777" notitle
unset multiplot
