# SPDX-License-Identifier: GPL-3.0-or-later
# Shell functions shared by ./quickstart and ./runtests: packages, configure, make. Running them again is fast.

packages="gcc g++ make autoconf automake libtool pkg-config libgsl-dev libopenblas-dev libinih-dev libjansson-dev libcmocka-dev gnuplot-nox"

setup_jobs() { getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2; }

# Installs what is missing with apt-get, as root or through sudo; lists it when that is not possible.
setup_packages()
{
    missing=
    if command -v dpkg-query >/dev/null 2>&1; then
        for package in $packages; do
            dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
        done
    else
        for program in cc make autoconf automake libtoolize pkg-config; do
            command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
        done
    fi
    [ -z "$missing" ] && return 0
    as_root=
    if [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root=sudo; else as_root=none; fi
    fi
    if [ "$as_root" = none ] || ! command -v apt-get >/dev/null 2>&1; then
        echo "mote needs these packages (Debian names); please install them and run this again:" >&2
        for package in $missing; do echo "    $package" >&2; done
        exit 69
    fi
    echo "installing:$missing"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q >/dev/null
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing >/dev/null
}

# Configures and builds in the folder $1.
setup_build()
{
    [ -f configure ] && [ ! configure.ac -nt configure ] || autoreconf -fi >autoreconf.log 2>&1 ||
        { cat autoreconf.log >&2; exit 70; }
    rm -f autoreconf.log
    mkdir -p "$1"
    if [ ! -f "$1/Makefile" ] || [ configure -nt "$1/Makefile" ]; then
        (cd "$1" && ../configure --disable-static --enable-silent-rules >configure.log 2>&1) ||
            { tail -n 20 "$1/configure.log" >&2; exit 70; }
    fi
    make -C "$1" -j"$(setup_jobs)" >"$1/make.log" 2>&1 || { grep -E 'error|warning|Error' "$1/make.log" | head -40 >&2; exit 70; }
}
