/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exact filtering of state-space models with one state, by quadrature: for tests of particle methods on models that
 * have no closed form. Densities live on nodes; every integral is a weighted sum over them,
 *
 *     p_t(x_j) = sum_i w_i f_{t-1}(x_i) m(x_i, x_j),   L_t = sum_j w_j p_t(x_j) g_t(x_j),   f_t = p_t g_t / L_t,
 *
 * and an additive functional H = h_0(x_0) + sum_t h_t(x_{t-1}, x_t) goes along as b_t(x) = E[H_t | x_t = x, y_0..y_t],
 *
 *     b_t(x_j) = sum_i w_i f_{t-1}(x_i) m(x_i, x_j) (b_{t-1}(x_i) + h_t(x_i, x_j)) / p_t(x_j).
 *
 * Nodes: Gauss-Legendre, 16 in each panel, so that panels may be short where m is steep. A panel must not be longer
 * than about 3 standard deviations of what is narrowest there (16 nodes are then good to 1e-12), and the panels must
 * hold all of the mass. Cost: n^2 for each time, n^2 doubles.
 *
 *     quadrature q;
 *     if (quadrature_open(&q, &model, edges, panels)) ...
 *     quadrature_step(&q, t) for t = 0, 1, ...: q.log_likelihood, quadrature_mean(&q), quadrature_functional(&q)
 *     quadrature_close(&q) */
#ifndef MOTE_TESTS_QUADRATURE_FILTER_H
#define MOTE_TESTS_QUADRATURE_FILTER_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

enum { QUADRATURE_NODES = 16 };

typedef struct quadrature_model {
    double (*log_initial)(void *ctx, double x);                      /* NULL: x_0 = start */
    double (*log_transition)(void *ctx, double previous, double x);  /* the same at all times */
    double (*log_potential)(void *ctx, int64_t t, double x);
    double (*functional)(void *ctx, int64_t t, double previous, double x); /* NULL: none; t = 0: previous is NaN */
    double start;
    void *ctx;
} quadrature_model;

typedef struct quadrature {
    quadrature_model model;
    int64_t n, known;              /* nodes; 1: the state is still at `start` */
    double *node, *weight;
    double *kernel;                /* m(x_i, x_j), row i; with `start` a last row for it */
    double *law, *next;            /* f_t at the nodes */
    double *expectation, *fresh;   /* b_t */
    double known_expectation;
    double log_likelihood;
} quadrature;

/* Node k of n on (-1, 1) by Newton's method on the Legendre polynomial P_n, and its weight. */
static inline void quadrature_legendre(int n, int k, double *node, double *weight)
{
    double x = cos(acos(-1) * (k + 0.75) / (n + 0.5)), slope = 1;
    for (int step = 0; step < 20; ++step) {
        double p = 1, before = 0;
        for (int i = 1; i <= n; ++i) {
            double next = ((2 * i - 1) * x * p - (i - 1) * before) / i;
            before = p;
            p = next;
        }
        slope = n * (x * p - before) / (x * x - 1);
        x -= p / slope;
    }
    *node = x;
    *weight = 2 / ((1 - x * x) * slope * slope);
}

static inline void quadrature_close(quadrature *q)
{
    free(q->node);
    free(q->kernel);
    q->node = q->kernel = NULL;
}

/* Panels between edges[0] < ... < edges[panels]. 0, or -1 without memory. */
static inline int quadrature_open(quadrature *q, const quadrature_model *model, const double *edges, int64_t panels)
{
    int64_t n = panels * QUADRATURE_NODES, rows = n + 1;
    *q = (quadrature){ .model = *model, .n = n, .known = !model->log_initial };
    q->node = calloc((size_t)(6 * n), sizeof(double));
    q->kernel = malloc((size_t)(rows * n) * sizeof(double));
    if (!q->node || !q->kernel) {
        quadrature_close(q);
        return -1;
    }
    q->weight = q->node + n, q->law = q->node + 2 * n, q->next = q->node + 3 * n;
    q->expectation = q->node + 4 * n, q->fresh = q->node + 5 * n;
    for (int64_t i = 0; i < n; ++i) {
        double half = (edges[i / QUADRATURE_NODES + 1] - edges[i / QUADRATURE_NODES]) / 2, x, w;
        quadrature_legendre(QUADRATURE_NODES, (int)(i % QUADRATURE_NODES), &x, &w);
        q->node[i] = edges[i / QUADRATURE_NODES] + half * (1 + x);
        q->weight[i] = half * w;
    }
    for (int64_t i = 0; i < rows; ++i) {
        double previous = i < n ? q->node[i] : model->start;
        for (int64_t j = 0; j < n; ++j)
            q->kernel[i * n + j] = exp(model->log_transition(model->ctx, previous, q->node[j]));
    }
    return 0;
}

/* Adds what comes from the point `from` (a row of the kernel) with the mass `mass`. */
static inline void quadrature_spread(quadrature *q, int64_t t, int64_t from, double mass, double expectation)
{
    const double *row = q->kernel + from * q->n, previous = from < q->n ? q->node[from] : q->model.start;
    for (int64_t j = 0; j < q->n; ++j)
        q->next[j] += mass * row[j];
    for (int64_t j = 0; q->model.functional && j < q->n; ++j)
        q->fresh[j] += mass * row[j] * (expectation + q->model.functional(q->model.ctx, t, previous, q->node[j]));
}

/* p_t and b_t, in `next` and `fresh`. */
static inline void quadrature_predict(quadrature *q, int64_t t)
{
    for (int64_t j = 0; j < q->n; ++j)
        q->next[j] = q->fresh[j] = 0;
    if (t == 0)
        for (int64_t j = 0; j < q->n; ++j) {
            q->next[j] = exp(q->model.log_initial(q->model.ctx, q->node[j]));
            q->fresh[j] = q->model.functional ? q->model.functional(q->model.ctx, 0, NAN, q->node[j]) : 0;
        }
    else if (q->known)
        quadrature_spread(q, t, q->n, 1, q->known_expectation);
    else
        for (int64_t i = 0; i < q->n; ++i)
            if (q->weight[i] * q->law[i] > 1e-40)
                quadrature_spread(q, t, i, q->weight[i] * q->law[i], q->expectation[i]);
    for (int64_t j = 0; j < q->n && t; ++j)
        q->fresh[j] = q->next[j] > 0 ? q->fresh[j] / q->next[j] : 0;
}

/* The next time, t = 0, 1, ... in this order. */
static inline void quadrature_step(quadrature *q, int64_t t)
{
    const quadrature_model *model = &q->model;
    double sum = 0, most = -INFINITY;
    if (t == 0 && q->known) {
        q->log_likelihood += model->log_potential(model->ctx, 0, model->start);
        q->known_expectation = model->functional ? model->functional(model->ctx, 0, NAN, model->start) : 0;
        return;
    }
    quadrature_predict(q, t);
    q->known = 0;
    for (int64_t j = 0; j < q->n; ++j) {
        q->law[j] = model->log_potential(model->ctx, t, q->node[j]);
        most = q->law[j] > most ? q->law[j] : most;
    }
    for (int64_t j = 0; j < q->n; ++j)
        sum += q->weight[j] * (q->law[j] = q->next[j] * exp(q->law[j] - most));
    for (int64_t j = 0; j < q->n; ++j)
        q->law[j] /= sum;
    q->log_likelihood += most + log(sum);
    double *swap = q->expectation;
    q->expectation = q->fresh;
    q->fresh = swap;
}

/* E[x_t^power | y_0..y_t]. */
static inline double quadrature_moment(const quadrature *q, double power)
{
    double sum = 0;
    for (int64_t j = 0; j < q->n; ++j)
        sum += q->weight[j] * q->law[j] * pow(q->node[j], power);
    return q->known ? pow(q->model.start, power) : sum;
}

static inline double quadrature_mean(const quadrature *q)
{
    return quadrature_moment(q, 1);
}

/* E[H_t | y_0..y_t]. */
static inline double quadrature_functional(const quadrature *q)
{
    double sum = 0;
    for (int64_t j = 0; j < q->n; ++j)
        sum += q->weight[j] * q->law[j] * q->expectation[j];
    return q->known ? q->known_expectation : sum;
}

/* edges[0..panels] from lower to upper, all of one length. */
static inline void quadrature_edges(double *edges, double lower, double upper, int64_t panels)
{
    for (int64_t i = 0; i <= panels; ++i)
        edges[i] = lower + (upper - lower) * (double)i / (double)panels;
}

#endif
