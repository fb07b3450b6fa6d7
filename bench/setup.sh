#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes bench/venv with the samplers that `make bench` puts beside ours. Not needed: without it the benchmarks run and
# say that the peers are missing.
set -e
folder=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
"$python" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy scipy dynesty \
    ultranest nautilus-sampler particles
"$folder/venv/bin/python" -m pip list --disable-pip-version-check --format=freeze |
    grep -i -E '^(numpy|scipy|dynesty|ultranest|nautilus-sampler|particles|torch|scikit-learn)=='
