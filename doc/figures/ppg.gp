# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 840,500 font "sans,11"
set output output
set logscale y
set format y "%g"
set xlabel "sweep"
set ylabel "size of the mean error of u (exact: 91.14)"
set xrange [0.5:10.5]
set yrange [0.02:60]
set xtics 1
set clip two
set grid lc rgb "#dddddd"
set key top right
colour(k) = word("#c05020 #40a040 #2060a0", k + 1)
number(k) = word("4 8 16", k + 1)
plot for [k=0:2] data index 2*k using ($1 + 0.06*(k-1)):2:($2 > $3 ? $2-$3 : 0.001):($2+$3) with yerrorlines pt 7 lc rgb colour(k) \
       title "sweeps from a path of zeros, N = ".number(k), \
     for [k=0:2] data index 2*k+1 using 1:2 with lines dt 2 lw 1.5 lc rgb colour(k) title "PaRIS, N = ".number(k)
