/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ancestor tree: see tree.h. Nodes sit in one array; what is freed is used again, last freed first. */
#include "smc/tree.h"

#include <mote/status.h>
#include <string.h>

int mote_tree_open(mote_tree *tree, const mote_memory *memory, int64_t n, int64_t d)
{
    memset(tree, 0, sizeof *tree);
    tree->memory = memory;
    tree->n = n;
    tree->d = d;
    tree->leaf = mote_memory_allocate(memory, n, sizeof *tree->leaf);
    tree->before = mote_memory_allocate(memory, n, sizeof *tree->before);
    const int status = tree->leaf && tree->before ? mote_tree_reserve(tree) : MOTE_ENOMEM;
    if (status)
        mote_tree_close(tree);
    return status;
}

void mote_tree_close(mote_tree *tree)
{
    void *blocks[] = { tree->parent, tree->children, tree->unused, tree->state, tree->leaf, tree->before };
    for (size_t i = 0; tree->memory && i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(tree->memory, blocks[i]);
    memset(tree, 0, sizeof *tree);
}

/* The stack of unused nodes anew, so that they are handed out in ascending order. */
static void fill_unused(mote_tree *tree)
{
    int64_t count = tree->capacity - tree->live;
    for (int64_t node = 0; node < tree->capacity; ++node)
        if (tree->children[node] < 0)
            tree->unused[--count] = (int32_t)node;
}

void mote_tree_clear(mote_tree *tree)
{
    tree->generations = tree->live = tree->peak = 0;
    for (int64_t node = 0; node < tree->capacity; ++node)
        tree->children[node] = -1;
    fill_unused(tree);
}

/* ---- growth ---- */

static int grow(mote_tree *tree, void **block, int64_t count, int64_t elements, size_t size)
{
    void *larger = mote_memory_resize(tree->memory, *block, tree->capacity * elements, count * elements, size);
    if (!larger)
        return MOTE_ENOMEM;
    *block = larger;
    return MOTE_OK;
}

/* The nodes in use keep their numbers; the stack of unused ones gets the new ones at its bottom. */
static int grow_all(mote_tree *tree, int64_t count)
{
    void *parent = tree->parent, *children = tree->children, *unused = tree->unused, *state = tree->state;
    int status = grow(tree, &parent, count, 1, sizeof *tree->parent);
    tree->parent = parent;
    status = status ? status : grow(tree, &children, count, 1, sizeof *tree->children);
    tree->children = children;
    status = status ? status : grow(tree, &unused, count, 1, sizeof *tree->unused);
    tree->unused = unused;
    status = status ? status : grow(tree, &state, count, tree->d, sizeof *tree->state);
    tree->state = state;
    if (status)
        return status;
    const int64_t old = tree->capacity, added = count - old;
    memmove(tree->unused + added, tree->unused, (size_t)(old - tree->live) * sizeof *tree->unused);
    for (int64_t k = 0; k < added; ++k) {
        tree->unused[k] = (int32_t)(count - 1 - k);
        tree->children[old + k] = -1;
    }
    tree->capacity = count;
    return MOTE_OK;
}

int mote_tree_reserve(mote_tree *tree)
{
    const int64_t needed = tree->live + tree->n;
    if (needed <= tree->capacity)
        return MOTE_OK;
    if (needed > INT32_MAX)
        return MOTE_ENOMEM;
    int64_t count = 2 * tree->capacity > needed ? 2 * tree->capacity : needed;
    return grow_all(tree, count < INT32_MAX ? count : INT32_MAX);
}

/* ---- generations ---- */

/* Frees a node without children, and its ancestors as far as they have no others. */
static void release(mote_tree *tree, int32_t node)
{
    while (node >= 0 && !tree->children[node]) {
        const int32_t parent = tree->parent[node];
        tree->unused[tree->capacity - tree->live] = node;
        tree->children[node] = -1;
        --tree->live;
        if (parent >= 0)
            --tree->children[parent];
        node = parent;
    }
}

static void append(mote_tree *tree, int64_t i, int32_t parent, const double *const *columns)
{
    ++tree->live;
    const int32_t node = tree->unused[tree->capacity - tree->live];
    tree->parent[node] = parent;
    tree->children[node] = 0;
    tree->leaf[i] = node;
    for (int64_t k = 0; k < tree->d; ++k)
        tree->state[node * tree->d + k] = columns[k][i];
}

void mote_tree_push(mote_tree *tree, const int32_t *parents, const double *const *columns)
{
    const int64_t n = tree->n, first = !tree->generations;
    int32_t *before = tree->leaf;
    tree->leaf = tree->before;
    tree->before = before;
    for (int64_t i = 0; !first && i < n; ++i)
        ++tree->children[before[parents ? parents[i] : i]];
    for (int64_t i = 0; !first && i < n; ++i)
        if (!tree->children[before[i]])
            release(tree, before[i]);
    for (int64_t i = 0; i < n; ++i)
        append(tree, i, first ? -1 : before[parents ? parents[i] : i], columns);
    ++tree->generations;
    tree->peak = tree->live > tree->peak ? tree->live : tree->peak;
}

void mote_tree_path(const mote_tree *tree, int64_t leaf, double *path)
{
    const size_t row = (size_t)tree->d * sizeof *path;
    int32_t node = tree->generations ? tree->leaf[leaf] : -1;
    for (int64_t t = tree->generations - 1; t >= 0 && node >= 0; --t, node = tree->parent[node])
        memcpy(path + t * tree->d, tree->state + node * tree->d, row);
}

/* ---- checkpoints: live nodes under their numbers ---- */

void mote_tree_save(const mote_tree *tree, mote_writer *writer)
{
    mote_put_integer(writer, tree->generations);
    mote_put_integer(writer, tree->live);
    mote_put_integer(writer, tree->peak);
    for (int64_t node = 0; node < tree->capacity; ++node)
        if (tree->children[node] >= 0) {
            mote_put_integer(writer, node);
            mote_put_integer(writer, tree->parent[node]);
            mote_put_reals(writer, tree->state + node * tree->d, tree->d);
        }
    for (int64_t i = 0; tree->generations && i < tree->n; ++i)
        mote_put_integer(writer, tree->leaf[i]);
}

/* One live node; room is made for its number, which is above *last and below `most`. */
static int load_node(mote_tree *tree, mote_reader *reader, int64_t most, int64_t *last)
{
    const int64_t node = mote_get_count(reader, *last + 1, most - 1);
    const int64_t parent = mote_get_count(reader, -1, most - 1);
    if (reader->status)
        return reader->status;
    *last = node;
    if (node >= tree->capacity) {
        const int status = grow_all(tree, node + 1 > INT32_MAX / 2 ? INT32_MAX : 2 * (node + 1));
        if (status)
            return status;
    }
    tree->parent[node] = (int32_t)parent;
    tree->children[node] = 0;
    mote_get_reals(reader, tree->state + node * tree->d, tree->d);
    return reader->status;
}

/* Counts of children; a parent must be alive. */
static int count_children(mote_tree *tree)
{
    for (int64_t node = 0; node < tree->capacity; ++node) {
        const int64_t parent = tree->children[node] < 0 ? -1 : tree->parent[node];
        if (parent >= tree->capacity || (parent >= 0 && tree->children[parent] < 0))
            return MOTE_ECORRUPT;
        if (parent >= 0)
            ++tree->children[parent];
    }
    return MOTE_OK;
}

/* Nodes from each leaf to its root: as many as there were generations, or paths would be written past their rows. A
 * circle of parents has no root. The stack of unused nodes serves as scratch: the depth of a node that was met, 0 for
 * others. */
static int check_depth(mote_tree *tree, int64_t generations)
{
    int32_t *depth = tree->unused;
    memset(depth, 0, (size_t)tree->capacity * sizeof *depth);
    for (int64_t i = 0; generations && i < tree->n; ++i) {
        int64_t node = tree->leaf[i], length = 0;
        for (; node >= 0 && !depth[node] && length <= generations; node = tree->parent[node])
            ++length;
        length += node >= 0 ? depth[node] : 0;
        if (length != generations)
            return MOTE_ECORRUPT;
        for (node = tree->leaf[i]; node >= 0 && !depth[node]; node = tree->parent[node])
            depth[node] = (int32_t)length--;
    }
    return MOTE_OK;
}

/* Each generation has a live node and had n at most; a node is used for the first time when all before it are in use,
 * so that numbers are below the peak. */
int mote_tree_load(mote_tree *tree, mote_reader *reader)
{
    mote_tree_clear(tree);
    const int64_t generations = mote_get_count(reader, 0, INT32_MAX), live = mote_get_parts(reader, tree->d + 2);
    const int64_t nodes = tree->n * generations, most = nodes < INT32_MAX ? nodes : INT32_MAX;
    const int64_t peak = mote_get_count(reader, live, most);
    int status = reader->status ? reader->status : generations > live ? MOTE_ECORRUPT : MOTE_OK;
    for (int64_t k = 0, last = -1; k < live && !status; ++k)
        status = load_node(tree, reader, peak, &last);
    for (int64_t i = 0; generations && i < tree->n && !status; ++i) {
        tree->leaf[i] = (int32_t)mote_get_count(reader, 0, tree->capacity - 1);
        status = reader->status || tree->children[tree->leaf[i]] < 0 ? MOTE_ECORRUPT : MOTE_OK;
    }
    status = status ? status : count_children(tree);
    status = status ? status : check_depth(tree, generations);
    tree->generations = status ? 0 : generations;
    tree->live = status ? 0 : live;
    tree->peak = peak;
    if (!status)
        fill_unused(tree);
    else
        mote_tree_clear(tree);
    return status;
}
