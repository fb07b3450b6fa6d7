#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The program finds its plug-ins, its worker and its headers by whatever name it is called: through PATH, by a link, as
# the .libs/mote that libtool's script starts, and installed.
. "${srcdir:-.}/tests/cli/lib.sh"

# The plug-in finds the data of the checkout that its build lies in; a build elsewhere has to be told.
if [ ! -d "$build/data/cosmology" ] && [ ! -d "$build/../data/cosmology" ] && [ ! -d "$build/../../data/cosmology" ]; then
    MOTE_COSMOLOGY_DATA=$source_folder/data/cosmology
    export MOTE_COSMOLOGY_DATA
fi
printf '[run]\nmodel = cosmology.so\n[model]\ndata = cc15\n' >lcdm.ini
expect "plug-in, by path" 0 "log_likelihood" "$mote" eval lcdm.ini
expect "plug-in, through PATH" 0 "log_likelihood" env PATH="$build:$PATH" mote eval lcdm.ini
expect "plug-in, with another argv[0]" 0 "log_likelihood" \
    sh -c "PATH='$build':\$PATH; cd /; exec mote eval '$work/lcdm.ini'"
# Files of the user's own, with blanks in their names.
mkdir "b l"
printf '0.51 13.6 DM_over_rs\n' >"b l/mean of mine.txt"
printf '0.06\n' >"b l/cov.txt"
expect "names with blanks" 0 "chi2_mine" "$mote" eval lcdm.ini --set model.derived=yes \
    --set 'model.bao.mine="b l/mean of mine.txt" "b l/cov.txt"'
expect "a quote that does not end" 65 "between double quotes" "$mote" eval lcdm.ini \
    --set 'model.bao.mine="b l/mean of mine.txt" "b l/cov.txt'

mkdir links
ln -s "$mote" links/mote
expect "plug-in, by a link" 0 "log_likelihood" env PATH="$work/links:$PATH" mote eval lcdm.ini

printf '[run]\nmodel = %s\nsampler = prior\nexecutor = processes\nseed = 1\n[prior]\ndraws = 100\n' "$model" >w.ini
expect "worker, by path" 0 "" "$mote" run w.ini -q -o path
expect "worker, through PATH" 0 "" env PATH="$build:$PATH" mote run w.ini -q -o through
check "the same bytes" cmp path/w.txt through/w.txt
expect "a worker that is not there" 78 "/nowhere/mote-worker" \
    "$mote" run w.ini -q -o none --worker-program /nowhere/mote-worker
also "worker_program"

# As if libtool had linked against the uninstalled library: FOLDER/mote is a script, FOLDER/.libs/mote the program.
mkdir -p tree/.libs tree/examples/cosmology/.libs
cp "$(test -x "$build/.libs/mote" && echo "$build/.libs/mote" || echo "$mote")" tree/.libs/mote
printf '#!/bin/sh\nexec "%s/tree/.libs/mote" "$@"\n' "$work" >tree/mote
chmod +x tree/mote
ln -s "$build/mote-worker" tree/mote-worker
ln -s "$build/examples/cosmology/.libs/cosmology.so" tree/examples/cosmology/.libs/cosmology.so
ln -s "$build/mote-uninstalled.pc" tree/mote-uninstalled.pc
MOTE_COSMOLOGY_DATA=$source_folder/data/cosmology
export MOTE_COSMOLOGY_DATA
expect "libtool's script: the plug-in" 0 "log_likelihood" tree/mote eval lcdm.ini
unset MOTE_COSMOLOGY_DATA
expect "libtool's script: the worker" 0 "" tree/mote run w.ini -q -o tree/out
expect "libtool's script: a new model" 0 "" tree/mote new target fromtree
check "calls the script" grep -q -x "MOTE = $work/tree/mote" fromtree/Makefile

# A new model runs as it is.
if command -v cc >/dev/null 2>&1 && command -v make >/dev/null 2>&1; then
    unset MAKEFLAGS MFLAGS MAKELEVEL
    expect "new target" 0 "" "$mote" new target line
    expect "runs as it is" 0 "slope" make -C line run
    expect "new ssm" 0 "" "$mote" new ssm returns
    expect "runs as it is" 0 "" make -C returns run
    # Installed, and neither PATH nor pkg-config knows of it; a blank in the path.
    mkdir -p "an empty/bin" "an empty/include"
    cp tree/.libs/mote "an empty/bin/mote"
    ln -s "$source_folder/include/mote" "an empty/include/mote"
    expect "installed elsewhere" 0 "" "$work/an empty/bin/mote" new target blank
    check "its headers" grep -q -F "an empty/include" blank/Makefile
    expect "runs as it is" 0 "slope" make -C blank run
    # Installed, and PATH knows of it.
    mkdir -p prefix/bin prefix/include
    cp tree/.libs/mote prefix/bin/mote
    ln -s "$source_folder/include/mote" prefix/include/mote
    expect "installed in PATH" 0 "" env PATH="$work/prefix/bin:$PATH" mote new target known
    check "is called by its name" grep -q -x "MOTE = mote" known/Makefile
    expect "runs as it is" 0 "slope" env PATH="$work/prefix/bin:$PATH" PKG_CONFIG_PATH= make -C known run
fi
finish
