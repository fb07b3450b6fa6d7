/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smc/smoother_parts.h"

#include "smc/paris.h"

void mote_ledger_add_backward(mote_ledger *ledger, const mote_backward_info *before, const mote_backward_info *now)
{
    ledger->backward_draws += now->draws - before->draws;
    ledger->backward_trials += now->trials - before->trials;
    ledger->backward_fallbacks += now->fallbacks - before->fallbacks;
    ledger->transition_densities += now->densities - before->densities;
}

mote_draws *mote_functional_draws(const mote_memory *memory, const mote_state_space *space, int64_t functional,
                                  int64_t rows)
{
    const int64_t p = mote_functional_count(space, functional);
    mote_parameter *columns = mote_memory_allocate(memory, p, sizeof *columns);
    for (int64_t k = 0; columns && k < p; ++k)
        columns[k].name = mote_functional_name(space, functional, k);
    mote_draws *draws = columns ? mote_draws_create(memory, columns, p, rows, 0) : NULL;
    mote_memory_release(memory, columns);
    return draws;
}
