# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 900,540 font "sans,11"
set output output
set logscale y
set xlabel "fits of the look-ahead (0: bootstrap filter)"
set ylabel "standard deviation of log Z, 200 particles"
set xrange [-0.3:5.3]
set grid lc rgb "#dddddd"
unset key
plot data with linespoints pt 7 lc rgb "#2060a0"
