# SPDX-License-Identifier: GPL-3.0-or-later
set terminal pngcairo size 900,540 font "sans,11"
set output output
set xlabel "pass"
set ylabel "rho, mean of the swarm"
set grid lc rgb "#dddddd"
set key bottom right
plot for [k=0:3] data index k with lines lw 1.5 notitle, 0.830289 with lines dt 2 lc rgb "#000000" title "maximum likelihood (Kalman)"
