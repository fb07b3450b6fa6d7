#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""GetDist and anesthetic on mote's files: means, standard deviations, ranges and evidence against root.json.

Usage: peers.py ROOT...     prints `ok - ...` or `not ok - ...`; exit 0, 1, or 77 when the packages are missing.
"""
import json
import sys
import warnings

try:
    import anesthetic
    import getdist
    import numpy as np
    from anesthetic import read_chains
    from getdist import loadMCSamples
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

getdist.chains.print_load_details = False
failures = 0


def check(name, good, detail=""):
    global failures
    failures += not good
    print(f"{'ok' if good else 'not ok'} - {name}{': ' + detail if detail else ''}")


def worst(truth, found):
    """Largest differences of means in sd, and of sds relative."""
    mean = max(abs(found[p["name"]][0] - p["mean"]) / p["sd"] for p in truth)
    sd = max(abs(found[p["name"]][1] / p["sd"] - 1) for p in truth)
    return mean, sd


def check_getdist(root, record, truth):
    samples = loadMCSamples(root, no_cache=True)
    names = samples.getParamNames()
    check(f"{root}: getdist takes the run as nested", samples.sampler == "nested")
    check(f"{root}: getdist names", [n.name for n in names.names] == [p["name"] for p in record["parameters"]])
    check(f"{root}: getdist derived", [n.isDerived for n in names.names] == [p["derived"] for p in record["parameters"]])
    mean, sd = worst(truth, {p["name"]: (samples.mean(p["name"]), samples.std(p["name"])) for p in truth})
    check(f"{root}: getdist means and sds", mean < 1e-6 and sd < 1e-6, f"{mean:.1e} sd, {sd:.1e}")
    for p in record["parameters"]:
        if p["prior"] in ("uniform", "log_uniform"):
            bounds = [samples.ranges.getLower(p["name"]), samples.ranges.getUpper(p["name"])]
            check(f"{root}: getdist range of {p['name']}", bounds == p["prior_arguments"][:2], str(bounds))


def check_anesthetic(root, record, truth):
    rows = np.unique(np.loadtxt(root + "_dead-birth.txt"), axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # dropped rows are warned of
        samples = read_chains(root)
    check(f"{root}: anesthetic keeps all rows", len(samples) == len(rows), f"{len(samples)} of {len(rows)}")
    found = {p["name"]: (float(np.ravel(samples[p["name"]].mean())[0]), float(np.ravel(samples[p["name"]].std())[0]))
             for p in truth}
    mean, sd = worst(truth, found)
    check(f"{root}: anesthetic means and sds", mean < 0.01 and sd < 0.01, f"{mean:.1e} sd, {sd:.1e}")
    pull = (float(samples.logZ()) - record["log_evidence"]) / record["log_evidence_error"]
    check(f"{root}: anesthetic log Z within .2 of the error", abs(pull) < 0.2,
          f"{float(samples.logZ()):.4f}, {record['log_evidence']:.4f} +- {record['log_evidence_error']:.4f}")


for root in sys.argv[1:]:
    with open(root + ".json") as handle:
        record = json.load(handle)
    truth = [p for p in record["parameters"] if p["sd"]]
    check_getdist(root, record, truth)
    check_anesthetic(root, record, truth)
print(f"getdist {getdist.__version__}, anesthetic {anesthetic.__version__}: {failures} failures")
sys.exit(1 if failures else 0)
