/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `mote check` asks of a state-space model whose states are handles of its own objects: fork, drop, pack, unpack.
 * An object is known by its digest: the bytes that pack gives, the further columns of the state, the potential.
 *
 *     repeated    a population made twice from the same numbers has the same digests
 *     pack        says the size that it writes, keeps to the room, and gives an unpacked object's bytes again
 *     unpack      objects and their unpacked copies move to the same digests from the same numbers
 *     fork        by ancestors of which some are taken several times and some never: each particle has its ancestor's
 *                 digest, and moves as a copy does that shares nothing with others, which unpack makes
 *     drop        the program's memory does not grow from one life of a population to the next
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#if defined __GLIBC__ && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
#include <malloc.h>
#define CHECK_HAS_HEAP 1
#endif

#include "cli/check_ssm.h"

enum { HANDLES = 48, STEPS = 2, LIVES = 20, LEAST_LEAK = 16 };

typedef struct population {
    double **column; /* state_count columns of HANDLES */
    double *value;
    uint64_t digest[HANDLES];
    int64_t held;    /* 1: its handles are to be dropped */
} population;

typedef struct handles {
    mote_ssm_check *check;
    const mote_ssm *model;
    population first, second;
    int32_t ancestor[HANDLES];
    int status;          /* of the model's last callback that failed */
    int wrong;
} handles;

static void say_wrong(handles *h, const char *text)
{
    ++h->wrong;
    mote_check_say(&h->check->report, MOTE_VERDICT_FAIL, "%s", text);
}

/* ---- populations ---- */

static int open_population(population *p, const mote_ssm *model)
{
    p->column = calloc((size_t)model->state_count, sizeof *p->column);
    p->value = aligned_alloc(64, HANDLES * sizeof *p->value);
    for (int64_t k = 0; p->column && k < model->state_count; ++k)
        if (!(p->column[k] = aligned_alloc(64, HANDLES * sizeof **p->column)))
            return MOTE_ENOMEM;
    return p->column && p->value ? MOTE_OK : MOTE_ENOMEM;
}

static void close_population(population *p, const mote_ssm *model)
{
    for (int64_t k = 0; p->column && k < model->state_count; ++k)
        free(p->column[k]);
    free(p->column);
    free(p->value);
}

static mote_block block_of(const handles *h, const population *p)
{
    const mote_ssm_check *check = h->check;
    mote_block block = { MOTE_VERSIONED(mote_block), .n = HANDLES, .step = check->step, .time = check->time,
                         .time_previous = check->time_previous, .parameter = check->parameter, .cache = check->cache,
                         .state = p->column, .log_weight = p->value };
    if (h->model->input_count)
        block.input = check->datum.input;
    if (check->datum.any && h->model->observation_count) {
        block.observation = check->datum.values;
        block.observed = check->datum.observed;
    }
    return block;
}

static void drop(handles *h, population *p)
{
    mote_ssm_check_at(h->check, "drop");
    if (p->held)
        h->model->drop(h->model->ctx, p->column[0], HANDLES);
    p->held = 0;
}

/* Moves the population by the numbers of its step. */
static int move(handles *h, population *p)
{
    const mote_block block = block_of(h, p);
    mote_source source = mote_source_at(h->check->live, MOTE_PURPOSE_TRANSITION, (uint32_t)h->check->step, 0);
    mote_ssm_check_at(h->check, h->check->step ? "transition" : "initial");
    return h->check->step ? h->model->transition(h->model->ctx, &block, &source)
                          : h->model->initial(h->model->ctx, &block, &source);
}

/* A population that has taken STEPS steps, or as many as there are. */
static int make(handles *h, population *p)
{
    drop(h, p);
    int status = mote_ssm_check_set_row(h->check, 0);
    status = status ? status : move(h, p);
    p->held = !status;
    for (int step = 0; step < STEPS && !status; ++step) {
        status = mote_ssm_check_next_step(h->check);
        status = status ? status : move(h, p);
    }
    return status == MOTE_DONE ? MOTE_OK : status;
}

/* ---- packing ---- */

/* The bytes of an object in memory of the caller's; NULL with h->wrong raised. */
static void *packed(handles *h, double handle, int64_t *size)
{
    const unsigned char guard = 0xa5;
    mote_ssm_check_at(h->check, "pack");
    *size = h->model->pack(h->model->ctx, handle, NULL, 0);
    unsigned char *bytes = *size < 0 ? NULL : malloc((size_t)*size + 1);
    if (!bytes) {
        say_wrong(h, "pack: a size below zero");
        return NULL;
    }
    memset(bytes, guard, (size_t)*size + 1);
    const int64_t short_of = *size ? h->model->pack(h->model->ctx, handle, bytes, *size - 1) : 0;
    int touched = short_of != *size;
    for (int64_t i = 0; i <= *size; ++i)
        touched |= bytes[i] != guard;
    const int64_t again = h->model->pack(h->model->ctx, handle, bytes, *size);
    if (!touched && again == *size && bytes[*size] == guard)
        return bytes;
    say_wrong(h, touched ? "pack: writes, or says another size, where the room does not suffice"
                         : "pack: writes more than the size that it says");
    free(bytes);
    return NULL;
}

/* Copies by unpack: particle i of `to` from particle ancestor[i] of `from`. */
static int copy_by_unpack(handles *h, population *to, const population *from, const int32_t *ancestor)
{
    int64_t made = 0;
    int status = MOTE_OK;
    drop(h, to);
    for (; made < HANDLES && !status && !h->wrong; made += !status) {
        const int64_t a = ancestor ? ancestor[made] : made;
        int64_t size;
        void *bytes = packed(h, from->column[0][a], &size);
        mote_ssm_check_at(h->check, "unpack");
        status = bytes ? h->model->unpack(h->model->ctx, bytes, size, &to->column[0][made]) : MOTE_EINVAL;
        for (int64_t k = 1; k < h->model->state_count; ++k)
            to->column[k][made] = from->column[k][a];
        free(bytes);
    }
    if ((status || h->wrong) && made)
        h->model->drop(h->model->ctx, to->column[0], made);
    to->held = !status && !h->wrong;
    return status;
}

/* ---- digests ---- */

static int weighed(const handles *h)
{
    return h->check->datum.any || !h->model->observation_count;
}

/* What each particle is; the potential too, when it has one at this step. */
static int look(handles *h, population *p)
{
    const mote_block block = block_of(h, p);
    mote_ssm_check_at(h->check, "log_potential");
    const int status = weighed(h) ? h->model->log_potential(h->model->ctx, &block) : MOTE_OK;
    for (int64_t i = 0; i < HANDLES && !status && !h->wrong; ++i) {
        uint64_t hash = MOTE_HASH_START;
        for (int64_t k = 1; k < h->model->state_count; ++k)
            hash = mote_hash(hash, &p->column[k][i], sizeof(double));
        if (weighed(h))
            hash = mote_hash(hash, &p->value[i], sizeof(double));
        if (weighed(h) && !(p->value[i] < INFINITY))
            say_wrong(h, "values: a potential is no number below infinity");
        int64_t size = 0;
        void *bytes = h->model->pack && !h->wrong ? packed(h, p->column[0][i], &size) : NULL;
        p->digest[i] = bytes ? mote_hash(hash, bytes, (size_t)size) : hash;
        free(bytes);
    }
    return status;
}

static int64_t differing(const population *a, const population *b, const int32_t *ancestor)
{
    int64_t count = 0;
    for (int64_t i = 0; i < HANDLES; ++i)
        count += b->digest[i] != a->digest[ancestor ? ancestor[i] : i];
    return count;
}

/* ---- questions ---- */

static int ask_repeated(handles *h)
{
    int status = make(h, &h->first);
    status = status ? status : look(h, &h->first);
    status = status ? status : make(h, &h->second);
    status = status ? status : look(h, &h->second);
    if (!status && !h->wrong && differing(&h->first, &h->second, NULL))
        say_wrong(h, "repeated: the same numbers give other objects");
    return status;
}

/* Both populations by the next step's numbers. MOTE_DONE: there is no next step. */
static int move_both(handles *h)
{
    int status = mote_ssm_check_next_step(h->check);
    status = status ? status : move(h, &h->first);
    status = status ? status : move(h, &h->second);
    status = status ? status : look(h, &h->first);
    return status ? status : look(h, &h->second);
}

static int ask_pack(handles *h)
{
    int status = make(h, &h->first);
    status = status ? status : look(h, &h->first);
    status = status ? status : copy_by_unpack(h, &h->second, &h->first, NULL);
    status = status || h->wrong ? status : look(h, &h->second);
    if (status || h->wrong)
        return status;
    if (differing(&h->first, &h->second, NULL)) {
        say_wrong(h, "pack: an unpacked object is not the one that was packed");
        return status;
    }
    status = move_both(h);
    if (!status && !h->wrong && differing(&h->first, &h->second, NULL))
        say_wrong(h, "unpack: an unpacked object moves otherwise than the one that was packed");
    return status == MOTE_DONE ? MOTE_OK : status;
}

/* Forks first in place, by way of `scratch`. */
static int fork_first(handles *h, double **scratch)
{
    const population before = h->first;
    mote_block block = block_of(h, &h->first);
    block.state = scratch;
    block.previous = (const double *const *)before.column;
    h->first.held = 0;
    mote_ssm_check_at(h->check, "fork");
    const int status = h->model->fork(h->model->ctx, &block, h->ancestor);
    for (int64_t k = 0; k < h->model->state_count && !status; ++k)
        memcpy(h->first.column[k], scratch[k], HANDLES * sizeof(double));
    h->first.held = !status;
    return status;
}

static int ask_fork(handles *h, population *scratch)
{
    population before;
    int status = make(h, &h->first);
    status = status ? status : look(h, &h->first);
    if (!status && !h->wrong && h->model->pack)
        status = copy_by_unpack(h, &h->second, &h->first, h->ancestor);
    if (status || h->wrong)
        return status;
    before = h->first;
    status = fork_first(h, scratch->column);
    status = status ? status : look(h, &h->first);
    if (!status && !h->wrong && differing(&before, &h->first, h->ancestor))
        say_wrong(h, "fork: a particle is not a copy of its ancestor");
    if (status || h->wrong || !h->model->pack)
        return status;
    status = move_both(h);
    if (!status && !h->wrong && differing(&h->first, &h->second, NULL))
        say_wrong(h, "fork: copies do not move each on its own (do two share an object?)");
    return status == MOTE_DONE ? MOTE_OK : status;
}

/* Bytes in use by the program, or NaN. */
static double heap(void)
{
#ifdef CHECK_HAS_HEAP
    const struct mallinfo2 info = mallinfo2();
    return (double)info.uordblks + (double)info.hblkhd;
#else
    return NAN;
#endif
}

/* Does it follow what is allocated? Not with another allocator in place of the system's. */
static int heap_is_known(void)
{
    const double before = heap();
    void *volatile block = malloc(1 << 16);
    const double after = heap();
    free(block);
    return after - before >= 1 << 16;
}

/* Growth of the program's memory by LIVES lives of a population. */
static int grow(handles *h, population *scratch, double *bytes)
{
    int status = MOTE_OK;
    *bytes = heap();
    for (int life = 0; life < LIVES && !status; ++life) {
        status = ask_fork(h, scratch);
        drop(h, &h->first);
        drop(h, &h->second);
    }
    *bytes = heap() - *bytes;
    return status;
}

/* A cache may fill once; what is lost is lost again in each life. */
static int ask_drop(handles *h, population *scratch)
{
    double warm, first, second;
    if (!heap_is_known()) {
        mote_check_say(&h->check->report, MOTE_VERDICT_NOTE, "drop: not asked, the program's memory cannot be measured here");
        return MOTE_OK;
    }
    int status = grow(h, scratch, &warm);
    status = status ? status : grow(h, scratch, &first);
    status = status ? status : grow(h, scratch, &second);
    if (!status && first >= LIVES * LEAST_LEAK && second >= LIVES * LEAST_LEAK)
        say_wrong(h, "drop: memory grows from one life of a population to the next: what no particle took over is not "
                     "given up by fork, or not by drop");
    return status;
}

/* Some ancestors have four children, some two, some none. */
static void choose_ancestors(handles *h)
{
    for (int32_t i = 0; i < HANDLES; ++i)
        h->ancestor[i] = (47 * HANDLES - 1 - 3 * (i / 2)) % HANDLES;
}

void mote_ssm_check_handles(mote_ssm_check *check)
{
    handles h = { .check = check, .model = &check->space.model };
    population scratch = { 0 };
    int status = open_population(&h.first, h.model) | open_population(&h.second, h.model) | open_population(&scratch, h.model);
    choose_ancestors(&h);
    status = status ? status : ask_repeated(&h);
    if (!status && !h.wrong && h.model->pack)
        status = ask_pack(&h);
    status = status || h.wrong ? status : ask_fork(&h, &scratch);
    status = status || h.wrong ? status : ask_drop(&h, &scratch);
    if (status && !h.wrong)
        mote_check_say(&check->report, MOTE_VERDICT_FAIL, "the model answered with code %d at step %d", status, (int)check->step);
    else if (!h.wrong)
        mote_check_say(&check->report, MOTE_VERDICT_OK, "handles: %sfork copies faithfully, nothing is lost",
                       h.model->pack ? "packed objects go on as they were, " : "");
    if (!h.model->pack)
        mote_check_say(&check->report, MOTE_VERDICT_NOTE, "handles: without pack and unpack there are no checkpoints, and it is "
                       "not asked whether copies move each on its own");
    drop(&h, &h.first);
    drop(&h, &h.second);
    close_population(&h.first, h.model);
    close_population(&h.second, h.model);
    close_population(&scratch, h.model);
}
