# SPDX-License-Identifier: GPL-3.0-or-later
# Shell functions of the program's tests. Run in the build folder (automake does): uses ./mote and tests/plugins.
build=$(pwd -P)
source_folder=$(cd "${srcdir:-.}" && pwd -P)
mote=$build/mote
plugins=$build/tests/plugins/.libs
model=$plugins/model.so
LC_ALL=C
export LC_ALL
work=$(mktemp -d "${TMPDIR:-/tmp}/mote-cli-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

# pass NAME, fail NAME REASON
pass() { echo "ok - $1"; }
fail() { echo "not ok - $1"; echo "#   $2"; sed 's/^/#   out: /' out; sed 's/^/#   err: /' err; failures=$((failures + 1)); }

# expect NAME CODE PATTERN COMMAND...: exit code, and a fixed text in standard output or error ("" for none).
expect() {
    name=$1 code=$2 pattern=$3
    shift 3
    "$@" >out 2>err
    got=$?
    if [ "$got" -ne "$code" ]; then fail "$name" "exit code $got, not $code: $*"
    elif [ -n "$pattern" ] && ! grep -q -F -e "$pattern" out err; then fail "$name" "nothing says '$pattern': $*"
    else pass "$name"; fi
}

# also PATTERN...: further texts that the last command must have said.
also() {
    for pattern in "$@"; do
        if grep -q -F -e "$pattern" out err; then pass "$name: $pattern"; else fail "$name: $pattern" "nothing says it"; fi
    done
}

# check NAME COMMAND...: a condition.
check() {
    name=$1
    shift
    if "$@"; then pass "$name"; else fail "$name" "not so: $*"; fi
}

# ini FILE, from standard input
ini() { cat >"$1"; }

finish() { [ "$failures" -eq 0 ] || exit 1; exit 0; }
