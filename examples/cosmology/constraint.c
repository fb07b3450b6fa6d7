/* SPDX-License-Identifier: BSD-2-Clause */
/* Joint prior constraints: linear inequalities between parameters, from the key `constraint` of [model],
 *
 *     constraint = w + wa < 0, omega_m > 0.1 + 2 * omega_b_h2
 *
 * Each side is a sum of NUMBER, NAME and NUMBER * NAME; commas join inequalities, all of which must hold. The prior is
 * cut to where they do and renormalised: that is the sampler's work, here is only the question inside or outside. Known
 * answer: w + wa < 0 keeps .775 of the standard priors of cpl, w in [-3, 1] and wa in [-3, 2]. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cosmology.h"

typedef struct reading {
    const cosmology *all;
    const char *at;     /* where in the text */
    const char *where;  /* file, line */
    constraint *to;
    failure *why;
} reading;

static char look(reading *r)
{
    r->at += strspn(r->at, " \t");
    return *r->at;
}

static int expected(reading *r, const char *what)
{
    if (!look(r))
        return cosmology_fail(r->why, MOTE_EPARSE, "%s: constraint: %s is missing at its end", r->where, what);
    return cosmology_fail(r->why, MOTE_EPARSE, "%s: constraint: expected %s before '%.40s'", r->where, what, r->at);
}

static int unknown(reading *r, const char *name)
{
    const char *names[PARAMETER_COUNT];
    int64_t count = 0;
    for (int64_t i = 0; i < PARAMETER_COUNT; ++i)
        if (r->all->index[i] >= 0)
            names[count++] = cosmology_parameter_name(i);
    const char *near = cosmology_nearest(name, names, count);
    return cosmology_fail(r->why, MOTE_EINVAL, "%s: constraint: model %s with these data has no parameter '%s'%s%s%s",
                          r->where, r->all->model->name, name, near ? "; did you mean " : "", near ? near : "",
                          near ? "?" : "");
}

static int read_name(reading *r, double factor)
{
    char name[64];
    size_t n = 0;
    while (isalnum((unsigned char)r->at[n]) || r->at[n] == '_')
        ++n;
    if (n == 0 || n >= sizeof name || isdigit((unsigned char)*r->at))
        return expected(r, "a number or a parameter");
    memcpy(name, r->at, n);
    name[n] = '\0';
    for (int64_t i = 0; i < PARAMETER_COUNT; ++i)
        if (r->all->index[i] >= 0 && !strcmp(name, cosmology_parameter_name(i))) {
            r->to->coefficient[i] += factor;
            r->at += n;
            return MOTE_OK;
        }
    return unknown(r, name);
}

/* NUMBER, NAME, NUMBER * NAME or NUMBER NAME, times `sign`. */
static int read_term(reading *r, double sign)
{
    const char first = look(r);
    if (!isdigit((unsigned char)first) && first != '.')
        return read_name(r, sign);
    char *end;
    const double number = sign * strtod(r->at, &end);
    if (end == r->at || !isfinite(number))
        return expected(r, "a finite number");
    r->at = end;
    const char next = look(r);
    if (next == '*') {
        ++r->at;
        (void)look(r);
        return read_name(r, number);
    }
    if (isalpha((unsigned char)next))
        return read_name(r, number);
    r->to->constant += number;
    return MOTE_OK;
}

/* A sum of terms, times `side`. */
static int read_side(reading *r, double side)
{
    double sign = side;
    int status;
    if (look(r) == '-' || look(r) == '+')
        sign = *r->at++ == '-' ? -side : side;
    while (!(status = read_term(r, sign)) && (look(r) == '+' || look(r) == '-'))
        sign = *r->at++ == '-' ? -side : side;
    return status;
}

/* Left - right < 0 or <= 0; of '>' with all signs turned. */
static int read_inequality(reading *r)
{
    int status = read_side(r, 1);
    if (status)
        return status;
    const char relation = look(r);
    if (relation != '<' && relation != '>')
        return expected(r, "'<' or '>'");
    ++r->at;
    r->to->inclusive = *r->at == '=';
    r->at += r->to->inclusive;
    status = read_side(r, -1);
    if (status)
        return status;
    int64_t named = 0;
    for (int64_t i = 0; i < PARAMETER_COUNT; ++i) {
        named += r->to->coefficient[i] != 0;
        r->to->coefficient[i] *= relation == '>' ? -1 : 1;
    }
    r->to->constant *= relation == '>' ? -1 : 1;
    return named ? MOTE_OK
                 : cosmology_fail(r->why, MOTE_EINVAL, "%s: constraint: an inequality without a parameter", r->where);
}

int cosmology_constraints_read(cosmology *all, const char *text, const char *where, failure *why)
{
    reading r = { .all = all, .at = text, .where = where, .why = why };
    for (;; ++r.at) {
        if (all->constraint_count == MAXIMUM_CONSTRAINTS)
            return cosmology_fail(why, MOTE_EINVAL, "%s: constraint: more than %d inequalities", where,
                                  MAXIMUM_CONSTRAINTS);
        r.to = &all->constraints[all->constraint_count++];
        const int status = read_inequality(&r);
        if (status)
            return status;
        if (look(&r) != ',')
            return *r.at ? expected(&r, "a comma or the end") : MOTE_OK;
    }
}

int cosmology_inside(void *ctx, const double *theta)
{
    const cosmology *all = ctx;
    for (int64_t k = 0; k < all->constraint_count; ++k) {
        const constraint *one = &all->constraints[k];
        double sum = one->constant;
        for (int64_t i = 0; i < PARAMETER_COUNT; ++i)
            if (one->coefficient[i] != 0)
                sum += one->coefficient[i] * theta[all->index[i]];
        if (!(one->inclusive ? sum <= 0 : sum < 0))
            return 0;
    }
    return 1;
}
