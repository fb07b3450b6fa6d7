# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 900,420 font "sans,11"
set output output
set multiplot layout 1,3
set xlabel "iteration"
set logscale x
set xtics (1, 10, 100, 1000)
set xrange [1:3000]
set grid lc rgb "#dddddd"
array name[3] = ["A", "Q", "R"]
do for [k=1:3] {
    set title name[k]
    if (k == 1) { set yrange [0:1]; set key bottom right } else { set yrange [0:*]; unset key }
    plot data index 1 using 1:(column(k+1)) with lines lw 1.2 lc rgb "#1f77b4" title "PPG", \
         data index 2 using 1:(column(k+1)) with lines lw 1.2 lc rgb "#6baed6" notitle, \
         data index 3 using 1:(column(k+1)) with lines lw 1.5 lc rgb "#d62728" title "PaRIS", \
         data index 0 using 1:(column(k+1)) with lines dt 2 lc rgb "#000000" title "exact"
}
