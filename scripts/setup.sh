# SPDX-License-Identifier: GPL-3.0-or-later
# Shell functions shared by ./quickstart and ./runtests: packages, configure, make. Running them again is fast.

packages="gcc make autoconf automake libtool pkg-config libgsl-dev libopenblas-dev libinih-dev libjansson-dev"

setup_jobs() { getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2; }

# Installs what is missing of the packages above and of those named with apt-get, as root or through sudo; lists it when
# that is not possible.
setup_packages()
{
    packages="$packages $*"
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

# setup_build FOLDER [TARGET...]: configures there and builds.
setup_build()
{
    folder=$1
    shift
    [ -f configure ] && [ ! configure.ac -nt configure ] || autoreconf -fi >autoreconf.log 2>&1 ||
        { cat autoreconf.log >&2; exit 70; }
    rm -f autoreconf.log
    mkdir -p "$folder"
    if [ ! -f "$folder/Makefile" ] || [ configure -nt "$folder/Makefile" ]; then
        (cd "$folder" && ../configure --disable-static --enable-silent-rules >configure.log 2>&1) ||
            { tail -n 20 "$folder/configure.log" >&2; exit 70; }
    fi
    make -C "$folder" -j"$(setup_jobs)" "$@" >"$folder/make.log" 2>&1 ||
        { grep -E 'error|warning|Error' "$folder/make.log" | head -40 >&2; exit 70; }
}
