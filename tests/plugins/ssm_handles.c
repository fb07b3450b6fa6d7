/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A state-space model whose states are handles of objects on the heap, with faults for `mote check`:
 *
 *     [model]
 *     fault = none      it is right
 *           shared      fork hands one object to all children of an ancestor
 *           changed     fork changes the copies
 *           lost        fork does not give up what no particle took over
 *           kept        drop gives up nothing
 *           forgetful   pack leaves out a part of the object that later potentials need
 *           overrun     pack does not mind the room
 *           bare        no pack and no unpack; right otherwise
 */
#define MOTE_PLUGIN_LINKS_NOTHING
#include <mote/plugin.h>
#include <stdlib.h>
#include <string.h>

typedef struct object {
    int64_t users; /* particles */
    double x, sum;
} object;

static const char *fault;

static int faulty(const char *name)
{
    return !strcmp(fault, name);
}

static object *object_of(double handle)
{
    object *o;
    memcpy(&o, &handle, sizeof o);
    return o;
}

static double handle_of(object *o)
{
    double handle;
    memcpy(&handle, &o, sizeof handle);
    return handle;
}

static int make(double *handle, double x, double sum)
{
    object *o = malloc(sizeof *o);
    if (!o)
        return -1;
    *o = (object){ 1, x, sum };
    *handle = handle_of(o);
    return 0;
}

static void give_up(double handle)
{
    object *o = object_of(handle);
    if (!--o->users)
        free(o);
}

static int initial(void *ctx, const mote_block *block, mote_source *source)
{
    double x[1024];
    int status = 0;
    (void)ctx;
    mote_normals(source, x, block->n);
    for (int64_t i = 0; i < block->n && !status; ++i)
        status = make(&block->state[0][i], x[i], x[i]);
    return status;
}

static int transition(void *ctx, const mote_block *block, mote_source *source)
{
    double z[1024];
    (void)ctx;
    mote_normals(source, z, block->n);
    for (int64_t i = 0; i < block->n; ++i) {
        object *o = object_of(block->state[0][i]);
        o->x = 0.9 * o->x + z[i];
        o->sum += o->x;
    }
    return 0;
}

static int log_potential(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        const object *o = object_of(block->state[0][i]);
        block->log_weight[i] = -0.5 * o->x * o->x - 0.1 * o->sum * o->sum;
    }
    return 0;
}

static int fork_objects(void *ctx, const mote_block *block, const int32_t *ancestor)
{
    int status = 0;
    (void)ctx;
    for (int64_t i = 0; i < block->n && !status; ++i) {
        object *parent = object_of(block->previous[0][ancestor[i]]);
        if (faulty("shared")) {
            ++parent->users;
            block->state[0][i] = handle_of(parent);
        } else {
            status = make(&block->state[0][i], parent->x + (faulty("changed") ? 1e-9 : 0), parent->sum);
        }
    }
    for (int64_t i = 0; i < block->n && !faulty("lost"); ++i)
        give_up(block->previous[0][i]);
    return status;
}

static void drop(void *ctx, const double *handle, int64_t n)
{
    (void)ctx;
    for (int64_t i = 0; i < n && !faulty("kept"); ++i)
        give_up(handle[i]);
}

static int64_t pack(void *ctx, double handle, void *bytes, int64_t room)
{
    const object *o = object_of(handle);
    const double values[] = { o->x, o->sum };
    const int64_t size = faulty("forgetful") ? 8 : 16;
    (void)ctx;
    if (bytes && (room >= size || faulty("overrun")))
        memcpy(bytes, values, (size_t)size);
    return size;
}

static int unpack(void *ctx, const void *bytes, int64_t size, double *handle)
{
    double values[2] = { 0, 0 };
    (void)ctx;
    memcpy(values, bytes, (size_t)size);
    return make(handle, values[0], values[1]);
}

MOTE_PLUGIN_ENTRY(const mote_host *host, const mote_config *section, mote_model *model)
{
    static const char *const states[] = { "object" };
    static mote_ssm ssm = { MOTE_VERSIONED(mote_ssm), .states = states, .state_count = 1, .initial = initial,
                            .transition = transition, .log_potential = log_potential, .fork = fork_objects, .drop = drop,
                            .pack = pack, .unpack = unpack, .name = "objects" };
    fault = host->config_get(section, "fault", "none");
    if (faulty("bare")) {
        ssm.pack = NULL;
        ssm.unpack = NULL;
    }
    model->ssm = &ssm;
    return 0;
}
