/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a plug-in handed out: checked, copied, and given an identity. */
#include <inttypes.h>
#include <mote/plugin.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/checkpoint.h"
#include "core/memory.h"
#include "core/message.h"
#include "model/plugin.h"
#include "model/plugin_parts.h"

enum { FINGERPRINT_SIZE = 64 };

int mote_plugin_check_abi(const char *path, int64_t abi, mote_message *message)
{
    if (abi > MOTE_PLUGIN_ABI)
        return mote_fail(message, MOTE_EVERSION,
                              "%s: built for plug-in ABI %" PRId64 ", this library (mote %s) has ABI %d: build it "
                              "again, or use a newer mote", path, abi, mote_version(), MOTE_PLUGIN_ABI);
    if (abi < 1)
        return mote_fail(message, MOTE_EVERSION, "%s: its mote_plugin_abi is %" PRId64
                              ", which no mote ever had", path, abi);
    return MOTE_OK;
}

/* A plug-in that was built before models had `ssm` says so by the size that it left in the head. */
int mote_plugin_gives_ssm(const mote_loaded_plugin *plugin)
{
    return plugin->model.head.size > offsetof(mote_model, ssm) && plugin->model.ssm;
}

static int check_target(const mote_loaded_plugin *plugin, mote_message *message)
{
    const mote_target *target = plugin->model.target;
    if (target->head.kind != MOTE_KIND_mote_target)
        return mote_fail(message, MOTE_EKIND,
                              "%s: its target is a struct of kind %u, not a mote_target: start it with "
                              "MOTE_VERSIONED(mote_target)", plugin->name, (unsigned)target->head.kind);
    if (!target->parameters || target->parameter_count < 1)
        return mote_fail(message, MOTE_EPLUGIN, "%s: its target has no parameters", plugin->name);
    if (target->parameter_size < (int64_t)offsetof(mote_parameter, label))
        return mote_fail(message, MOTE_EPLUGIN,
                              "%s: the parameter_size of its target is not set: use MOTE_PARAMETERS", plugin->name);
    return MOTE_OK;
}

static int check_ssm(const mote_loaded_plugin *plugin, mote_message *message)
{
    const mote_ssm *ssm = plugin->model.ssm;
    if (ssm->head.kind != MOTE_KIND_mote_ssm)
        return mote_fail(message, MOTE_EKIND,
                         "%s: its state-space model is a struct of kind %u, not a mote_ssm: start it with "
                         "MOTE_VERSIONED(mote_ssm)", plugin->name, (unsigned)ssm->head.kind);
    if (ssm->parameter_count < 0 || (ssm->parameter_count && !ssm->parameters))
        return mote_fail(message, MOTE_EPLUGIN, "%s: parameters of its state-space model: %" PRId64 " at NULL",
                         plugin->name, ssm->parameter_count);
    if (ssm->parameter_count && ssm->parameter_size < (int64_t)offsetof(mote_parameter, label))
        return mote_fail(message, MOTE_EPLUGIN, "%s: the parameter_size of its state-space model is not set: use "
                         "MOTE_PARAMETERS", plugin->name);
    return MOTE_OK;
}

int mote_plugin_check_model(const mote_loaded_plugin *plugin, mote_message *message)
{
    const mote_model *model = &plugin->model;
    const int has_ssm = mote_plugin_gives_ssm(plugin);
    if (model->head.kind != MOTE_KIND_mote_model)
        return mote_fail(message, MOTE_EKIND, "%s: overwrote the head of mote_model (kind %u)",
                              plugin->name, (unsigned)model->head.kind);
    int status = mote_plugin_check_abi(plugin->name, model->abi, message);
    if (!status && !model->target && !has_ssm)
        status = mote_fail(message, MOTE_EPLUGIN, "%s: mote_plugin set no target and no ssm", plugin->name);
    if (!status && model->target)
        status = check_target(plugin, message);
    return !status && has_ssm ? check_ssm(plugin, message) : status;
}

/* ---- copies ------------------------------------------------------------------------------------------------- */

/* The plug-in's structs may be older, hence shorter, than ours: copy what there is, the rest is zero. */
static mote_parameter *copy_parameters(const mote_loaded_plugin *plugin, const mote_parameter *theirs, int64_t n,
                                       int64_t size)
{
    mote_parameter *copy = mote_memory_allocate(&plugin->memory, n ? n : 1, sizeof *copy);
    for (int64_t i = 0; copy && i < n; ++i)
        memcpy(&copy[i], (const char *)theirs + i * size, size < (int64_t)sizeof *copy ? (size_t)size : sizeof *copy);
    return copy;
}

static int copy_target(mote_loaded_plugin *plugin)
{
    const mote_target *theirs = plugin->model.target;
    const size_t kept = theirs->head.size < sizeof(mote_target) ? theirs->head.size : sizeof(mote_target);
    memcpy(&plugin->target, theirs, kept);
    plugin->target.head.size = (uint32_t)sizeof(mote_target);
    plugin->parameters = copy_parameters(plugin, theirs->parameters, theirs->parameter_count, theirs->parameter_size);
    plugin->target.parameters = plugin->parameters;
    plugin->target.parameter_size = sizeof(mote_parameter);
    plugin->target.plugin = plugin;
    if (!plugin->target.name)
        plugin->target.name = plugin->name;
    return plugin->parameters ? MOTE_OK : MOTE_ENOMEM;
}

static int copy_ssm(mote_loaded_plugin *plugin)
{
    const mote_ssm *theirs = plugin->model.ssm;
    const size_t kept = theirs->head.size < sizeof(mote_ssm) ? theirs->head.size : sizeof(mote_ssm);
    memcpy(&plugin->ssm, theirs, kept);
    plugin->ssm.head.size = (uint32_t)sizeof(mote_ssm);
    plugin->ssm_parameters = copy_parameters(plugin, theirs->parameters, theirs->parameter_count,
                                             theirs->parameter_size);
    plugin->ssm.parameters = plugin->ssm.parameter_count ? plugin->ssm_parameters : NULL;
    plugin->ssm.parameter_size = sizeof(mote_parameter);
    plugin->ssm.plugin = plugin;
    if (!plugin->ssm.name)
        plugin->ssm.name = plugin->name;
    return plugin->ssm_parameters ? MOTE_OK : MOTE_ENOMEM;
}

int mote_plugin_copy_model(mote_loaded_plugin *plugin)
{
    int status = plugin->model.target ? copy_target(plugin) : MOTE_OK;
    return !status && mote_plugin_gives_ssm(plugin) ? copy_ssm(plugin) : status;
}

/* ---- identity ----------------------------------------------------------------------------------------------- */

/* What goes for the identity of a model whose own word is `own`: "own hash-of-data", or the fingerprint. */
static int identity_of(const mote_loaded_plugin *plugin, const char *own, char **identity)
{
    if (!own || !*own)
        return (*identity = mote_memory_copy_text(&plugin->memory, plugin->fingerprint)) ? MOTE_OK : MOTE_ENOMEM;
    const size_t size = strlen(own) + 20;
    *identity = mote_memory_allocate(&plugin->memory, (int64_t)size, 1);
    if (!*identity)
        return MOTE_ENOMEM;
    if (plugin->data_file_count)
        snprintf(*identity, size, "%s %016" PRIx64, own, plugin->data_hash);
    else
        snprintf(*identity, size, "%s", own);
    return MOTE_OK;
}

int mote_plugin_set_identity(mote_loaded_plugin *plugin)
{
    char text[FINGERPRINT_SIZE];
    int status = MOTE_OK;
    snprintf(text, sizeof text, "%016" PRIx64 "-%016" PRIx64 "-%016" PRIx64, plugin->object_hash, plugin->section_hash,
             plugin->data_hash);
    mote_memory_release(&plugin->memory, plugin->fingerprint);
    mote_memory_release(&plugin->memory, plugin->identity);
    mote_memory_release(&plugin->memory, plugin->ssm_identity);
    plugin->identity = plugin->ssm_identity = NULL;
    plugin->fingerprint = mote_memory_copy_text(&plugin->memory, text);
    if (!plugin->fingerprint)
        return MOTE_ENOMEM;
    if (plugin->model.target)
        status = identity_of(plugin, plugin->model.target->identity, &plugin->identity);
    if (!status && mote_plugin_gives_ssm(plugin))
        status = identity_of(plugin, plugin->model.ssm->identity, &plugin->ssm_identity);
    plugin->target.identity = plugin->identity;
    plugin->ssm.identity = plugin->ssm_identity;
    return status;
}

int mote_plugin_set_series(mote_loaded_plugin *plugin, const mote_series *series, const char *path)
{
    if (!mote_plugin_ssm(plugin))
        return MOTE_ESTATE;
    plugin->ssm.series = series;
    if (!path)
        return MOTE_OK;
    int status = mote_plugin_add_data_file(plugin, path);
    return status ? status : mote_plugin_set_identity(plugin);
}
