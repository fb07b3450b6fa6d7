# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 900,540 font "sans,11"
set output output
set logscale y
set xlabel "iteration"
set ylabel "negative log-likelihood for one time"
set xrange [-2:122]
set yrange [0.06:1.6]
set ytics (0.1, 0.2, 0.5, 1)
set grid lc rgb "#dddddd"
set key top right
plot data index 0 using 1:8:9 with yerrorlines pt 9 lc rgb "#40a040" title "genealogy, 32 particles", \
     data index 0 using 1:5:6 with yerrorlines pt 5 lc rgb "#c05020" title "PaRIS, 32 particles", \
     data index 0 using 1:2:3 with yerrorlines pt 7 lc rgb "#2060a0" title "PPG, two sweeps of 16", \
     0.1 with lines dt 2 lc rgb "#000000" title "parameters of the simulation"
