# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 800,480 font "sans,11"
set output output
set multiplot
set grid lc rgb "#dddddd"
set lmargin at screen 0.075
set rmargin at screen 0.49
set bmargin at screen 0.12
set tmargin at screen 0.95
set xlabel "rho"
set ylabel "posterior density"
set xrange [0.3:1]
set key top left
plot data index 0 with filledcurves y1=0 fc rgb "#dddddd" title "exact", \
     data index 1 with points pt 7 lc rgb "#2060a0" title "PMMH", \
     data index 2 with points pt 5 lc rgb "#40a040" title "particle Gibbs", \
     data index 3 with points pt 9 lc rgb "#c05020" title "SMC^2"
set xlabel "transition"
set ylabel "rho" offset 1
set xrange [0:400]
set yrange [0.3:1]
unset key
set lmargin at screen 0.58
set rmargin at screen 0.98
set tmargin at screen 0.495
set label 1 "100 particles" at graph 0.02, 0.08
plot data index 5 with lines lc rgb "#2060a0"
set tmargin at screen 0.95
set bmargin at screen 0.575
unset xlabel
set label 1 "10 particles"
plot data index 4 with lines lc rgb "#c05020"
unset multiplot
