/* SPDX-License-Identifier: BSD-2-Clause */
/* From the model, the sets and the Gaussian terms to the target: which parameters there are, which derived ones, what
 * identifies the likelihood. */
#include <stdio.h>
#include <string.h>

#include "cosmology.h"

/* X-macro rows as parameters with their standard priors. */
static const mote_parameter standard[PARAMETER_COUNT] = {
#define PARAMETER_ROW(id, name_, label_, unit_, prior_, first, second) \
    [PARAMETER_##id] = { .name = name_, .label = label_, .unit = unit_, .argument = { first, second }, \
                         .prior = MOTE_PRIOR_##prior_ },
    PARAMETER_LIST(PARAMETER_ROW)
#undef PARAMETER_ROW
};

static const mote_parameter standard_derived[DERIVED_COUNT] = {
#define DERIVED_ROW(id, name_, label_, unit_) \
    [DERIVED_##id] = { .name = name_, .label = label_, .unit = unit_, .prior = MOTE_PRIOR_DERIVED },
    DERIVED_LIST(DERIVED_ROW)
#undef DERIVED_ROW
};

const char *cosmology_parameter_name(int64_t id)
{
    return standard[id].name;
}

/* ---- what there is -------------------------------------------------------------------------------------------- */
static void choose_parameters(cosmology *all, int64_t needs)
{
    const int64_t cmb = (needs & PARAMETERS_CMB) != 0, bao = (needs & PARAMETERS_HRD) != 0;
    all->sound_horizon |= cmb;
    const int64_t present[PARAMETER_COUNT] = {
        [PARAMETER_OMEGA_M] = 1,
        [PARAMETER_OMEGA_K] = all->model->curvature,
        [PARAMETER_W] = all->model->w,
        [PARAMETER_WA] = all->model->wa,
        [PARAMETER_H] = all->radiation || (needs & PARAMETERS_H),
        [PARAMETER_HRD] = bao && !all->sound_horizon,
        [PARAMETER_OMEGA_B_H2] = all->sound_horizon,
        [PARAMETER_SIGMA8] = (needs & PARAMETERS_SIGMA8) != 0,
        [PARAMETER_MNU] = all->radiation,
        [PARAMETER_NEFF] = all->radiation,
    };
    int64_t count = 0;
    for (int64_t i = 0; i < PARAMETER_COUNT; ++i) {
        all->index[i] = present[i] ? count : -1;
        if (!present[i])
            continue;
        all->parameters[count] = standard[i];
        if (i == PARAMETER_MNU && !all->model->neutrinos)
            all->parameters[count] = (mote_parameter)MOTE_FIXED("mnu", 0.06, .label = standard[i].label, .unit = "eV");
        ++count;
    }
    all->target.parameter_count = count;
}

static void choose_derived(cosmology *all)
{
    const int64_t h = all->index[PARAMETER_H] >= 0, hrd = all->index[PARAMETER_HRD] >= 0;
    const int64_t present[DERIVED_COUNT] = {
        [DERIVED_H0] = h,
        [DERIVED_AGE] = h,
        [DERIVED_Q0] = 1,
        [DERIVED_OMEGA_LAMBDA] = !all->model->w,
        [DERIVED_OMEGA_DE] = all->model->w,
        [DERIVED_HRD] = all->sound_horizon,
        [DERIVED_RD] = h && (hrd || all->sound_horizon),
        [DERIVED_OMEGA_CB_H2] = all->radiation,
        [DERIVED_S8] = all->index[PARAMETER_SIGMA8] >= 0,
    };
    memcpy(all->has_derived, present, sizeof present);
}

/* ---- Gaussian terms ------------------------------------------------------------------------------------------- */
static int missing(const cosmology *all, const char *name, failure *why)
{
    const char *names[PARAMETER_COUNT + DERIVED_COUNT];
    int64_t count = 0;
    for (int64_t i = 0; i < PARAMETER_COUNT; ++i)
        if (all->index[i] >= 0)
            names[count++] = standard[i].name;
    for (int64_t i = 0; i < DERIVED_COUNT; ++i)
        if (all->has_derived[i])
            names[count++] = standard_derived[i].name;
    const char *near = cosmology_nearest(name, names, count);
    return cosmology_fail(why, MOTE_EINVAL, "gaussian.%s: model %s with these data has no parameter or derived "
                          "quantity of that name%s%s%s", name, all->model->name,
                          near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int locate_gaussian(const cosmology *all, gaussian *term, failure *why)
{
    for (int64_t i = 0; i < PARAMETER_COUNT; ++i)
        if (all->index[i] >= 0 && !strcmp(term->name, standard[i].name)) {
            term->derived = 0;
            term->index = i;
            return MOTE_OK;
        }
    for (int64_t i = 0; i < DERIVED_COUNT; ++i)
        if (all->has_derived[i] && !strcmp(term->name, standard_derived[i].name)) {
            term->derived = 1;
            term->index = i;
            return MOTE_OK;
        }
    return missing(all, term->name, why);
}

/* ---- derived parameters --------------------------------------------------------------------------------------- */
/* "dr2_mine" as LaTeX. */
static void escape(char *out, size_t size, const char *name)
{
    size_t n = 0;
    for (; *name && n + 3 < size; ++name) {
        if (*name == '_')
            out[n++] = '\\';
        out[n++] = *name;
    }
    out[n] = 0;
}

static mote_parameter *add_parameter(cosmology *all, const mote_parameter *one)
{
    mote_parameter *to = &all->parameters[all->target.parameter_count++];
    *to = *one;
    return to;
}

static void add_derived(cosmology *all)
{
    for (int64_t i = 0; i < DERIVED_COUNT; ++i)
        if (all->has_derived[i])
            add_parameter(all, &standard_derived[i]);
    for (int64_t i = 0; i < all->set_count; ++i) {
        set *one = &all->sets[i];
        char label[72];
        if (one->from == &cosmology_custom_bao)
            escape(label, sizeof label, one->name);
        else
            snprintf(label, sizeof label, "%s", one->from->label);
        snprintf(one->chi2_name, sizeof one->chi2_name, "chi2_%s", one->name);
        snprintf(one->chi2_label, sizeof one->chi2_label, "\\chi^2_{\\mathrm{%s}}", label);
        add_parameter(all, &(mote_parameter)MOTE_DERIVED(one->chi2_name, .label = one->chi2_label));
    }
    add_parameter(all, &(mote_parameter)MOTE_DERIVED("chi2", .label = "\\chi^2"));
}

/* ---- identity ------------------------------------------------------------------------------------------------- */
/* What was measured: the sets, whose files the host hashes, and the Gaussian terms. Model and priors stay out: runs of
 * two models on the same data are to be compared, and only those. */
static void write_identity(cosmology *all)
{
    size_t n = (size_t)snprintf(all->identity, sizeof all->identity, "cosmology 1; data");
    for (int64_t i = 0; i < all->set_count; ++i)
        n += (size_t)snprintf(all->identity + n, sizeof all->identity - n, " %s%s",
                              all->sets[i].from == &cosmology_custom_bao ? "bao." : "", all->sets[i].name);
    for (int64_t i = 0; i < all->gaussian_count; ++i)
        n += (size_t)snprintf(all->identity + n, sizeof all->identity - n, "; gaussian %s %.17g %.17g",
                              all->gaussians[i].name, all->gaussians[i].mean, all->gaussians[i].sd);
}

int cosmology_assemble(cosmology *all, int64_t needs, failure *why)
{
    choose_parameters(all, needs);
    choose_derived(all);
    int status = MOTE_OK;
    for (int64_t i = 0; !status && i < all->gaussian_count; ++i) {
        gaussian *term = &all->gaussians[i];
        status = locate_gaussian(all, term, why);
        all->age_wanted |= !status && term->derived && term->index == DERIVED_AGE;
    }
    all->age_wanted |= all->derived_shown && all->has_derived[DERIVED_AGE];
    if (!status)
        status = cosmology_plan_close(&all->redshifts, all->age_wanted, why);
    for (int64_t i = 0; !status && i < all->set_count; ++i)
        status = cosmology_set_locate(&all->sets[i], &all->redshifts, why);
    if (status)
        return status;
    if (all->derived_shown)
        add_derived(all);
    write_identity(all);
    const int64_t count = all->target.parameter_count;
    all->target = (mote_target){ MOTE_VERSIONED(mote_target), .parameters = all->parameters, .parameter_count = count,
                                 .parameter_size = sizeof(mote_parameter), .log_likelihood = cosmology_batch,
                                 .ctx = all, .name = "cosmology", .identity = all->identity,
                                 .flags = MOTE_THREADSAFE };
    return MOTE_OK;
}
