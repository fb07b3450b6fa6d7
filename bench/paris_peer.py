# SPDX-License-Identifier: GPL-3.0-or-later
"""PaRIS of `particles` (hybrid, M = 2) on the model of bench/paris.c: seconds of CPU time for N particles and T steps.

Usage: bench/venv/bin/python bench/paris_peer.py [N [T]]
"""
import sys
import time

import numpy as np
import particles
from particles import distributions, state_space_models
from particles.collectors import Paris


class Linear(state_space_models.StateSpaceModel):
    def PX0(self):
        return distributions.Normal(scale=2.3)

    def PX(self, t, xp):
        return distributions.Normal(loc=0.9 * xp, scale=1.0)

    def PY(self, t, xp, x):
        return distributions.Normal(loc=x, scale=np.sqrt(0.05))

    def upper_bound_log_pt(self, t):
        return -0.5 * np.log(2 * np.pi)

    def add_func(self, t, xp, x):
        return 0.0 * x if xp is None else xp * x


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    t = np.arange(steps)
    y = 2 * np.sin(0.3 * t) + 0.5 * np.cos(1.7 * t) + 1.5 * np.sin(7.1 * t * t)
    model = state_space_models.Bootstrap(ssm=Linear(), data=y)
    smc = particles.SMC(fk=model, N=n, ESSrmin=1.0, collect=[Paris()])
    start = time.process_time()
    smc.run()
    print(f"particles {particles.__version__ if hasattr(particles, '__version__') else ''}: N = {n}, T = {steps}: "
          f"{time.process_time() - start:.2f} s, estimate {smc.summaries.paris[-1]:.3f}")


if __name__ == "__main__":
    main()
