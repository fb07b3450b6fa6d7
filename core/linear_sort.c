/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stable index sort: merges runs of 1, 2, 4, ... from the bottom up. NaN keys compare as equal to everything: the
 * result is then some permutation. */
#include <string.h>

#include "core/linear.h"

/* Merges [first, middle) and [middle, end) of `in` to the same places of `out`; of equal keys the left one first. */
static void merge(int64_t *out, const int64_t *in, const double *key, int64_t first, int64_t middle, int64_t end)
{
    int64_t left = first, right = middle;
    for (int64_t i = first; i < end; ++i) {
        int take_right = left == middle || (right < end && key[in[right]] < key[in[left]]);
        out[i] = take_right ? in[right++] : in[left++];
    }
}

void mote_sort_index(int64_t *index, int64_t *scratch, const double *key, int64_t n)
{
    int64_t *in = index, *out = scratch;
    for (int64_t i = 0; i < n; ++i)
        index[i] = i;
    for (int64_t run = 1; run < n; run *= 2) {
        for (int64_t first = 0; first < n; first += 2 * run) {
            int64_t middle = first + run < n ? first + run : n, end = first + 2 * run < n ? first + 2 * run : n;
            merge(out, in, key, first, middle, end);
        }
        int64_t *other = in;
        in = out;
        out = other;
    }
    if (in != index)
        memcpy(index, in, (size_t)n * sizeof *index);
}
