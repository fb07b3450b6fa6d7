# SPDX-License-Identifier: GPL-3.0-or-later
"""PMMH and SMC^2 of `particles` on the problems of bench/pmcmc.c (case B): CPU seconds of one likelihood with N particles,
and of SMC^2 with N_theta parameter particles, three moves at each resampling, 100 particles each to begin with.

Start in the source folder: bench/venv/bin/python bench/pmcmc_peer.py [N_theta, default 100]"""
import sys
import time

import numpy as np
import particles
from particles import distributions as dists
from particles import mcmc, smc_samplers
from particles import state_space_models as ssms


class Linear(ssms.StateSpaceModel):
    default_params = {"rho": 0.9, "var_x": 1.0, "var_y": 0.04}

    def PX0(self):
        return dists.Normal(scale=np.sqrt(self.var_x))

    def PX(self, t, xp):
        return dists.Normal(loc=self.rho * xp, scale=np.sqrt(self.var_x))

    def PY(self, t, xp, x):
        return dists.Normal(loc=x, scale=np.sqrt(self.var_y))


PRIOR = dists.StructDist({"rho": dists.Uniform(a=-1.0, b=1.0), "var_x": dists.InvGamma(a=2.0, b=2.0),
                          "var_y": dists.InvGamma(a=2.0, b=2.0)})


def likelihoods(data):
    print("# PMMH: microseconds of one iteration")
    for n in (100, 1000):
        count = 200
        chain = mcmc.PMMH(ssm_cls=Linear, prior=PRIOR, data=data, Nx=n, niter=count, verbose=0)
        start = time.process_time()
        chain.run()
        print(f"{n:6d} {1e6 * (time.process_time() - start) / count:10.0f}", flush=True)


def sequential(data, n):
    model = smc_samplers.SMC2(ssm_cls=Linear, prior=PRIOR, data=data, init_Nx=100, len_chain=4, wastefree=False)
    smc = particles.SMC(fk=model, N=n, ESSrmin=0.5)
    start = time.process_time()
    smc.run()
    print(f"SMC^2, N_theta = {n}: {time.process_time() - start:.1f} s, log Z {smc.logLt:.3f}, N_x at the end {smc.X.pfs[0].N}",
          flush=True)


def main():
    data = np.loadtxt("data/timeseries/linear_gaussian_T100.txt")
    print(f"# particles 0.4, numpy {np.__version__}")
    likelihoods(data)
    sequential(data, int(sys.argv[1]) if len(sys.argv) > 1 else 100)


if __name__ == "__main__":
    main()
