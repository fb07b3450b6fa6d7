# SPDX-License-Identifier: GPL-3.0-or-later
"""Our bootstrap filter and that of `particles` on the same series (stochastic volatility, the formula of bench/filter.c),
systematic resampling at every step, one run after the other: CPU nanoseconds per particle and step, and what both say of
the evidence. Start in the build folder: bench/venv/bin/python ../bench/filter_peer.py [REPEATS]"""
import subprocess
import sys
import time

import numpy as np
import particles
from particles import distributions, state_space_models

MU, RHO, SIGMA = -1.0, 0.95, 0.25
SIZES = [(1000, 1000), (10000, 200), (100000, 50), (1000000, 10)]


class Volatility(state_space_models.StateSpaceModel):
    def PX0(self):
        return distributions.Normal(loc=MU, scale=SIGMA / np.sqrt(1 - RHO**2))

    def PX(self, t, xp):
        return distributions.Normal(loc=MU + RHO * (xp - MU), scale=SIGMA)

    def PY(self, t, xp, x):
        return distributions.Normal(loc=0.0, scale=np.exp(0.5 * x))


def returns(steps):
    t = np.arange(steps)
    return 1.4 * np.exp((-1 + 0.9 * np.sin(0.05 * t)) / 2) * np.sin(2.4 * t + 0.3 * np.sin(0.7 * t))


def theirs(n, steps, repeats):
    """Least nanoseconds, and the estimates of log Z."""
    best, estimates = np.inf, []
    for _ in range(repeats):
        model = state_space_models.Bootstrap(ssm=Volatility(), data=returns(steps))
        smc = particles.SMC(fk=model, N=n, resampling="systematic", ESSrmin=1.0)
        start = time.process_time()
        smc.run()
        best = min(best, 1e9 * (time.process_time() - start) / n / steps)
        estimates.append(smc.logLt)
    return best, np.array(estimates)


def ours(n, steps, repeats):
    text = subprocess.run(["bench/filter", str(repeats), str(n), str(steps)], capture_output=True, text=True, check=True).stdout
    row = [float(x) for x in text.splitlines()[-1].split()]
    return row[2], row[8], row[9]


def main():
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    theirs(1000, 10, 2)  # compiles what numba compiles
    print(f"# bootstrap filter, stochastic volatility, CPU ns per particle and step; particles 0.4, numpy {np.__version__}")
    print("#       N      T     ours   theirs    ratio   log Z ours (sd)      theirs (sd)")
    for n, steps in SIZES:
        fast, mean, sd = ours(n, steps, repeats)
        slow, estimates = theirs(n, steps, max(3, repeats // 2))
        print(f"{n:9d} {steps:6d} {fast:8.2f} {slow:8.1f} {slow / fast:8.1f}   {mean:10.4f} ({sd:.4f})   "
              f"{estimates.mean():10.4f} ({estimates.std():.4f})", flush=True)


if __name__ == "__main__":
    main()
