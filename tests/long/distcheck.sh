#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The tarball: builds and checks from a read-only source in another folder (make distcheck: static and shared library,
# install, uninstall, nothing left), and then what a user of an installed mote does: plug-in, program, examples, man page.
set -u
build=$(pwd -P)
log=$build/distcheck.log
work=$(mktemp -d "${TMPDIR:-/tmp}/mote-dist-XXXXXX") || exit 1
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
failures=0
result() { if [ "$2" -eq 0 ]; then echo "ok - $1"; else echo "not ok - $1"; tail -n 25 "$log"; failures=$((failures + 1)); fi; }

make distcheck >"$log" 2>&1
result "make distcheck" $?

# An installation in a folder of its own, from the same build.
prefix=$work/usr
tarball=$(ls -t "$build"/mote-*.tar.gz 2>/dev/null | head -n 1)
(cd "$work" && tar xf "$tarball" && cd mote-* && ./configure --prefix="$prefix" && make -j2 && make install) >"$log" 2>&1
result "configure, make, make install" $?
PKG_CONFIG_PATH=$prefix/lib/pkgconfig PATH=$prefix/bin:$PATH LD_LIBRARY_PATH=$prefix/lib
export PKG_CONFIG_PATH PATH LD_LIBRARY_PATH
cd "$work" || exit 1
for file in include/mote/mote.h lib/libmote.a lib/pkgconfig/mote.pc libexec/mote/mote-worker lib/mote/cosmology.so \
    share/mote/cosmology/lcdm.ini share/man/man1/mote.1 share/man/man3/libmote.3 share/man/man5/mote.ini.5 \
    share/doc/mote/examples/minimal.c; do
    [ -e "$prefix/$file" ]; result "installs $file" $?
done
[ "$(pkg-config --libs mote)" = "-L$prefix/lib -lmote" ] || pkg-config --libs mote | grep -q -x -e "-L[^ ]* -lmote *"
result "pkg-config --libs names libmote alone" $?
! pkg-config --static --libs mote | grep -q gslcblas
result "a static link does not bring GSL's slow BLAS" $?
cp -R "$prefix/share/doc/mote/examples" examples
make -C examples minimal >"$log" 2>&1 && ./examples/minimal >>"$log" 2>&1
result "an installed example builds and runs" $?
cc -std=c11 -o static examples/minimal.c $(pkg-config --cflags mote) "$prefix/lib/libmote.a" \
    $(pkg-config --static --libs mote | sed 's/-lmote//') -lm -lpthread >"$log" 2>&1 && ./static >>"$log" 2>&1
result "so does one with the static library" $?
mote new target line >"$log" 2>&1 && make -C line run >>"$log" 2>&1 && [ -s line/chains/line/line.txt ]
result "mote new target: builds and runs" $?
mote run "$prefix/share/mote/cosmology/lcdm.ini" --live-points 50 -q >"$log" 2>&1
result "the installed cosmology plug-in finds its data" $?
make -C examples/cosmology >"$log" 2>&1 && mote eval "$prefix/share/mote/cosmology/lcdm.ini" \
    --set run.model="$work/examples/cosmology/cosmology.so" omega_m=0.3 h=0.7 hrd=101 >>"$log" 2>&1
result "its installed source builds alone" $?
[ "$failures" -eq 0 ]
