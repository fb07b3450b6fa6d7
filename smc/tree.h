/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Histories of particles as a tree: each new node has a parent in the generation before, and nodes without living
 * descendants are dropped as soon as that is known, by reference counts. Paths are never copied.
 *
 * (Jacob, Murray and Rubenthaler 2015, arXiv:1307.3180: with resampling at every step the expected number of live nodes
 * after T generations of N is at most T + C N log N.) Parents may be ancestors of a filter or backward pointers of a
 * conditional filter. Known answer: tests/smc/test_tree.c, against stored full histories.
 *
 *     mote_tree_open(&tree, &memory, n, d);
 *     each generation:   mote_tree_reserve(&tree)          the only call that allocates; before anything changes
 *                        mote_tree_push(&tree, parents, columns)
 *     mote_tree_path(&tree, leaf, path);                   generations x d
 *     mote_tree_close(&tree); */
#ifndef MOTE_SMC_TREE_H
#define MOTE_SMC_TREE_H

#include "core/checkpoint.h"
#include "core/memory.h"

typedef struct mote_tree {
    const mote_memory *memory;
    int64_t n, d;              /* leaves of a generation; coordinates of a state */
    int64_t generations;
    int64_t live, peak;        /* nodes that the leaves descend from, leaves included; the most there were */
    int64_t capacity;          /* nodes that there is room for */
    int32_t *parent;           /* capacity; -1 of a root */
    int32_t *children;         /* living ones; -1: the node is unused */
    int32_t *unused;           /* stack of capacity - live nodes */
    double *state;             /* rows of d */
    int32_t *leaf, *before;    /* n: nodes of the last generation; scratch */
} mote_tree;

int mote_tree_open(mote_tree *tree, const mote_memory *memory, int64_t n, int64_t d);
void mote_tree_close(mote_tree *tree);
void mote_tree_clear(mote_tree *tree); /* no generations; keeps its memory */

/* Room for one more generation: MOTE_ENOMEM leaves the tree as it was. Capacity grows geometrically. */
int mote_tree_reserve(mote_tree *tree);

/* A generation of n nodes: node i descends from node parents[i] of the generation before (ignored in the first; NULL:
 * parent i) and has coordinate k equal to columns[k][i]. Never fails after mote_tree_reserve. */
void mote_tree_push(mote_tree *tree, const int32_t *parents, const double *const *columns);

/* The path of leaf i, oldest first: path[t * d + k]. */
void mote_tree_path(const mote_tree *tree, int64_t leaf, double *path);

void mote_tree_save(const mote_tree *tree, mote_writer *writer);
int mote_tree_load(mote_tree *tree, mote_reader *reader); /* into an open tree of the same n and d */

#endif
