#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our nested sampling beside dynesty, UltraNest and nautilus: same problems, same likelihood (C, through ctypes), same
run of this program, 500 live points (nautilus: its own 2000, since it learns from them). Every peer run is a process of
its own; its clock is CPU time and starts after the imports. Overhead = (CPU time - calls x cost of the likelihood as
that code calls it, the ctypes call included) / calls. A run that reaches the time limit is stopped, and its overhead is
that of the calls it made.

    peers.py table --ours PROGRAM --likelihood LIBRARY [--limit SECONDS] [--quick] [--only PROBLEMS]
    peers.py one   --likelihood LIBRARY --code CODE --problem NAME --dimension D --limit SECONDS   (used by `table`)
"""
import argparse
import ctypes
import os
import signal
import subprocess
import sys
import time

PROBLEMS = [("gauss", 2), ("eggbox", 2), ("rosenbrock", 2), ("shells", 2), ("shells", 5), ("gauss", 10), ("gauss", 20)]
CODES = ["dynesty auto", "dynesty rwalk", "dynesty rslice", "UltraNest region", "UltraNest slice", "nautilus"]
QUICK_PROBLEMS = [("gauss", 2), ("gauss", 10)]
QUICK_CODES = ["dynesty auto", "dynesty rwalk", "UltraNest region"]
LEFT_OUT = {("nautilus", "gauss", 20)}  # training alone is beyond any limit that suits this table
GOAL = 20  # times less overhead than dynesty's rwalk


class Stopped(BaseException):
    """The time limit; not an Exception, so that no sampler swallows it."""


class Problem:
    """The likelihood and the map from the unit cube as numpy functions."""

    def __init__(self, path, name, dimension):
        import numpy
        self.numpy = numpy
        self.dimension = dimension
        self.library = ctypes.CDLL(path)
        truth = ctypes.c_double()
        self.library.bench_one.restype = ctypes.c_double
        self.library.bench_one.argtypes = [ctypes.c_void_p]
        self.library.bench_calls.restype = ctypes.c_int64
        self.library.bench_evaluate.argtypes = self.library.bench_transform.argtypes = [
            ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
        if self.library.bench_open(name.encode(), ctypes.c_int64(dimension), ctypes.byref(truth)):
            sys.exit(f"no problem {name} in {dimension} dimensions")
        self.truth = truth.value

    def one(self, theta):
        return self.library.bench_one(theta.ctypes.data)

    def many(self, theta):
        theta = self.numpy.ascontiguousarray(theta)
        values = self.numpy.empty(len(theta))
        self.library.bench_evaluate(theta.ctypes.data, values.ctypes.data, len(theta))
        return values

    def transform(self, cube):
        cube = self.numpy.ascontiguousarray(cube)
        theta = self.numpy.empty_like(cube)
        self.library.bench_transform(cube.ctypes.data, theta.ctypes.data, cube.size // self.dimension)
        return theta

    def cost(self, rows):
        """Seconds per call of the likelihood in blocks of `rows`: fastest of many."""
        points = self.transform(self.numpy.random.default_rng(1).random((rows, self.dimension)))
        best = 1e9
        for _ in range(30):
            start = time.process_time()
            for _ in range(2000 // rows):
                if rows == 1:
                    self.one(points)
                else:
                    self.many(points)
            best = min(best, (time.process_time() - start) / (2000 // rows * rows))
        return best


def dynesty_run(problem, way):
    import dynesty
    sampler = dynesty.NestedSampler(problem.one, problem.transform, problem.dimension, nlive=500, bound="multi",
                                    sample=way, rstate=problem.numpy.random.default_rng(1))

    def run():
        sampler.run_nested(dlogz=0.01, print_progress=False)
        return sampler.results.logz[-1], sampler.results.logzerr[-1]
    return run, 1


def ultranest_run(problem, way):
    import logging
    import ultranest
    import ultranest.stepsampler
    logging.getLogger("ultranest").setLevel(logging.ERROR)
    problem.numpy.random.seed(1)
    names = [f"x{i}" for i in range(problem.dimension)]
    sampler = ultranest.ReactiveNestedSampler(names, problem.many, problem.transform, vectorized=True)
    if way == "slice":
        sampler.stepsampler = ultranest.stepsampler.SliceSampler(
            nsteps=2 * problem.dimension,
            generate_direction=ultranest.stepsampler.generate_mixture_random_direction)

    def run():
        result = sampler.run(min_num_live_points=500, frac_remain=1e-3, max_num_improvement_loops=0,
                             show_status=False, viz_callback=False)
        return result["logz"], result["logzerr"]
    return run, 50


def nautilus_run(problem, _):
    import nautilus
    sampler = nautilus.Sampler(problem.transform, problem.many, n_dim=problem.dimension, n_live=2000, seed=1,
                               vectorized=True, pass_dict=False)

    def run():
        sampler.run(verbose=False)
        return sampler.log_z, sampler.n_eff ** -0.5
    return run, 50


def one(arguments):
    """Prints: calls, log Z - truth, stated error, CPU seconds, overhead in us, 1 when stopped by the limit."""
    problem = Problem(arguments.likelihood, arguments.problem, arguments.dimension)
    code, _, way = arguments.code.partition(" ")
    prepare = {"dynesty": dynesty_run, "UltraNest": ultranest_run, "nautilus": nautilus_run}[code]
    cost = problem.cost(1 if code == "dynesty" else 50)
    before = problem.library.bench_calls()

    def stop(*_):
        raise Stopped
    signal.signal(signal.SIGPROF, stop)
    value, error, stopped = float("nan"), float("nan"), 0
    run, _ = prepare(problem, way)
    signal.setitimer(signal.ITIMER_PROF, arguments.limit)
    start = time.process_time()
    try:
        value, error = run()
    except Stopped:
        stopped = 1
    seconds = time.process_time() - start
    signal.setitimer(signal.ITIMER_PROF, 0)
    calls = problem.library.bench_calls() - before
    overhead = 1e6 * (seconds / max(calls, 1) - cost)
    print("RESULT", calls, value - problem.truth, error, seconds, overhead, stopped, flush=True)
    os._exit(0)  # a stopped sampler may have threads that would wait


def measure_peer(arguments, code, name, dimension, limit):
    command = [sys.executable, __file__, "one", "--likelihood", arguments.likelihood, "--code", code, "--problem", name,
               "--dimension", str(dimension), "--limit", str(limit)]
    environment = dict(os.environ, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10 * limit + 60, env=environment)
    except subprocess.TimeoutExpired:
        return None
    for line in done.stdout.splitlines():
        if line.startswith("RESULT"):
            return [float(x) for x in line.split()[1:]]
    print("#", code, "failed:", (done.stderr.strip().splitlines() or ["no message"])[-1])
    return None


def measure_ours(arguments, name, dimension, step):
    done = subprocess.run([arguments.ours, name, str(dimension), step], capture_output=True, text=True, check=True)
    return [float(x) for x in done.stdout.split()] + [0]


def show(name, dimension, code, row, ours):
    calls, difference, error, seconds, overhead, stopped = row
    ratio = f"{overhead / ours:8.1f}" if ours else " " * 8
    value = f"{difference:+9.3f} {error:7.3f}" if not stopped else f"{'-':>9} {'-':>7}"
    print(f"{name + '-' + str(dimension):<13} {code:<18} {calls:9.0f} {value} {seconds:8.2f} {overhead:10.3f} {ratio}"
          f"{'  stopped at the limit' if stopped else ''}", flush=True)


def versions():
    import importlib.metadata
    names = ["dynesty", "ultranest", "nautilus-sampler", "numpy", "scipy"]
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


def table(arguments):
    problems, codes = (QUICK_PROBLEMS, QUICK_CODES) if arguments.quick else (PROBLEMS, CODES)
    print(f"# peers; {versions()}; Python {sys.version.split()[0]}; limit {arguments.limit} s of CPU time;"
          f" load average {os.getloadavg()[0]:.2f}")
    print(f"{'problem':<13} {'code':<18} {'calls':>9} {'log Z -':>9} {'stated':>7} {'CPU, s':>8} {'us / call':>10}"
          f" {'to ours':>8}")
    worst = None
    for name, dimension in problems:
        if arguments.only and f"{name}-{dimension}" not in arguments.only.split(","):
            continue
        ours = measure_ours(arguments, name, dimension, "auto")
        show(name, dimension, "mote", ours, None)
        if dimension >= 10:  # the like of rwalk and slices
            steps = measure_ours(arguments, name, dimension, "slice")
            show(name, dimension, "mote slice", steps, None)
        for code in codes:
            if (code, name, dimension) in LEFT_OUT:
                continue
            row = measure_peer(arguments, code, name, dimension, arguments.limit)
            if row is None:
                print(f"{name + '-' + str(dimension):<13} {code:<18} no result")
                continue
            against = steps if dimension >= 10 and code.split()[-1] in ("rwalk", "rslice", "slice") else ours
            show(name, dimension, code, row, against[4])
            if code == "dynesty rwalk" and dimension >= 10:
                ratio = row[4] / against[4]
                worst = ratio if worst is None else min(worst, ratio)
    print("log Z - : log Z minus the truth; us / call: CPU time per call beyond the likelihood, ending included;"
          " to ours: that of the code over ours, step samplers over our slices from 10 dimensions on")
    if worst is not None:
        print(f"overhead of dynesty's rwalk over that of our slices, worst: {worst:.1f} (goal {GOAL}):"
              f" {'met' if worst >= GOAL else 'missed'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["table", "one"])
    parser.add_argument("--ours")
    parser.add_argument("--likelihood", required=True)
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", help="problems of the table, as gauss-10,shells-5")
    parser.add_argument("--code", default="dynesty auto")
    parser.add_argument("--problem", default="gauss")
    parser.add_argument("--dimension", type=int, default=2)
    arguments = parser.parse_args()
    (table if arguments.what == "table" else one)(arguments)


if __name__ == "__main__":
    main()
