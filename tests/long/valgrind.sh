#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Test programs under valgrind's memcheck: what sanitizers cannot see, the use of memory that was never set. The children
# that a test kills on purpose are not followed. Run in the build folder; exit 0, 1, or 77 without valgrind.
set -u
command -v valgrind >/dev/null 2>&1 || { echo "skip: valgrind not found"; exit 77; }
status=0
log=$(mktemp "${TMPDIR:-/tmp}/mote-valgrind-XXXXXX") || exit 1
trap 'rm -f "$log"' EXIT
tests="core/test_checkpoint core/test_config core/test_linear core/test_number core/test_option core/test_run
  core/test_source core/test_special core/test_status core/test_threads core/test_vector cosmology/test_messages
  io/test_files io/test_json io/test_read model/test_draws model/test_plugin model/test_prior model/test_space
  nested/test_models nested/test_rank nested/test_same_bytes smc/test_conditional smc/test_filter smc/test_filter_bank
  smc/test_history smc/test_iterated smc/test_life smc/test_lineage smc/test_opaque smc/test_pmmh smc/test_rao_blackwell
  smc/test_record smc/test_tree smc/test_variance"
for test in $tests; do
    program=tests/$test
    [ -x $program ] || { echo "skip - $test is not built"; continue; }
    # Libtool's wrapper would be looked at instead of the program.
    [ -x tests/${test%/*}/.libs/${test#*/} ] && program=tests/${test%/*}/.libs/${test#*/}
    timeout 1800 valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect \
        --errors-for-leak-kinds=definite,indirect $program >"$log" 2>&1
    code=$?
    case $code in
        0) echo "ok - $test" ;;
        77) echo "skip - $test" ;;
        *) if grep -q '^==' "$log"; then echo "not ok - $test"; grep '^==' "$log" | head -20; status=1
           else echo "not ok - $test: exit code $code (not valgrind's)"; tail -3 "$log"; status=1; fi ;;
    esac
done
exit $status
