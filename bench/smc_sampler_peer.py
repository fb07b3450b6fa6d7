# SPDX-License-Identifier: GPL-3.0-or-later
"""The first rows of bench/smc_sampler.c by the Python package `particles`: waste-free adaptive tempering, random walk,
10,000 particles, chains of 10 and 100. Usage: smc_sampler_peer.py [seeds]; needs bench/setup.sh."""
import sys
import time

import numpy as np
import particles
from particles import distributions, smc_samplers

WIDTH = 0.1


def model_of(dimension):
    prior = distributions.StructDist({f"x{j}": distributions.Normal() for j in range(dimension)})
    constant = -dimension * np.log(WIDTH * np.sqrt(2 * np.pi))

    class Normals(smc_samplers.StaticModel):
        def loglik(self, theta, t=None):
            return constant - 0.5 * sum(theta[f"x{j}"] ** 2 for j in range(dimension)) / WIDTH**2

    return Normals(data=np.zeros(1), prior=prior)


def measure(dimension, length, seeds):
    exact = -0.5 * dimension * np.log(2 * np.pi * (1 + WIDTH**2))
    squares = calls = 0.0
    start = time.process_time()
    for seed in range(seeds):
        np.random.seed(seed + 1)
        tempering = smc_samplers.AdaptiveTempering(model_of(dimension), len_chain=length)
        run = particles.SMC(fk=tempering, N=10000 // length)
        run.run()
        squares += (run.logLt - exact) ** 2 / seeds
        calls += (10000 + (run.t - 1) * 10000 * (length - 1) / length) / seeds
    seconds = (time.process_time() - start) / seeds
    print(f"particles, P = {length:<12d} d {dimension:2d}  rms {np.sqrt(squares):.3f}  reported   -    calls {calls:8.0f}"
          f"  us/call {1e6 * seconds / calls:6.2f}  calls x variance {calls * squares:8.0f}", flush=True)


for d in (2, 10):
    for p in (10, 100):
        measure(d, p, int(sys.argv[1]) if len(sys.argv) > 1 else 40)
