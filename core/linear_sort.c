/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stable index sort: merges runs of 1, 2, 4, ... from the bottom up. NaN keys compare as equal to everything: the
 * result is then some permutation. */
#include <string.h>

#include "core/linear.h"

/* Merges [first, middle) and [middle, end) of `in` to the same places of `out`; of equal keys the left one first. Which
 * side is next cannot be foretold, so the choice is arithmetic and not a branch. */
static void merge(int64_t *restrict out, const int64_t *restrict in, const double *restrict key, int64_t first,
                  int64_t middle, int64_t end)
{
    int64_t left = first, right = middle, i = first;
    while (left < middle && right < end) {
        int64_t a = in[left], b = in[right], take_right = -(int64_t)(key[b] < key[a]); /* all bits, or none */
        out[i++] = a ^ ((a ^ b) & take_right);
        right -= take_right;
        left += 1 + take_right;
    }
    memcpy(out + i, in + left, (size_t)(middle - left) * sizeof *out);
    memcpy(out + i + (middle - left), in + right, (size_t)(end - right) * sizeof *out);
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

void mote_sort_index_more(int64_t *index, int64_t *scratch, const double *key, int64_t sorted, int64_t n)
{
    mote_sort_index(index + sorted, scratch, key + sorted, n - sorted);
    for (int64_t i = sorted; i < n && sorted > 0; ++i)
        index[i] += sorted;
    if (sorted == 0 || sorted >= n)
        return;
    merge(scratch, index, key, 0, sorted, n);
    memcpy(index, scratch, (size_t)n * sizeof *index);
}
