/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backward draws: exact laws by enumeration on the tiny chain, frequencies on many particles with fixed seeds
 * (chi-square tests that a true law fails with probability 1e-7 each), the same bytes from any number of threads, and
 * what a model may lack or do wrong. */
#include "smc/backward.h"

#include <stdlib.h>

#include "tests/support/state_space_models.h"
#include "tests/support/test.h"

/* ---- a module without a filter ---- */

typedef struct bench {
    mote_memory memory;
    mote_message message;
    mote_state_space space;
    mote_datum datum;
    mote_backward backward;
    mote_block block;
    double theta[8];
    const double *parameter[8];
} bench;

static int open_bench(bench *b, const mote_ssm *model, mote_backward_setup setup, int64_t parents, mote_pool *pool)
{
    memset(b, 0, sizeof *b);
    mote_memory_open(&b->memory, NULL);
    assert_status(mote_state_space_open(&b->space, model, &b->memory, &b->message), MOTE_OK);
    assert_status(mote_datum_open(&b->datum, &b->space, &b->memory), MOTE_OK);
    assert_status(mote_state_space_theta(&b->space, NULL, b->theta, &b->message), MOTE_OK);
    for (int p = 0; p < 8; ++p)
        b->parameter[p] = &b->theta[p];
    mote_datum_from_series(&b->datum, &b->space, 1);
    b->block = (mote_block){ MOTE_VERSIONED(mote_block), .step = 1, .time = 1, .parameter = b->parameter,
                             .observation = b->datum.values, .observed = b->datum.observed };
    return mote_backward_open(&b->backward, &b->space, &setup, parents, &b->memory, pool, &b->message);
}

static void close_bench(bench *b)
{
    mote_backward_close(&b->backward);
    mote_datum_close(&b->datum, &b->memory);
    mote_state_space_close(&b->space);
}

/* ---- exact laws ---- */

static const double chain_weight[CHAIN_STATES] = { 0.2, 0.5, 0.3 };

static double *const chain_parent_state[] = { (double[]){ 0, 1, 2 } };

/* Law of the parent of `child`, whose chain starts at `start`. */
static void law_of(bench *b, double child, int32_t start, double *law)
{
    double log_weight[CHAIN_STATES], state[1] = { child }, total = 0;
    const double *columns[] = { state };
    const mote_parents parents = { CHAIN_STATES, (const double *const *)chain_parent_state, log_weight };
    const mote_children children = { 1, 0, columns, &start };
    mote_source *source;
    memset(law, 0, CHAIN_STATES * sizeof *law);
    for (int i = 0; i < CHAIN_STATES; ++i)
        log_weight[i] = 5 + log(chain_weight[i]);
    assert_status(mote_source_open_enumerate(&source), MOTE_OK);
    while (mote_source_enumerate_next(source)) {
        int32_t chosen;
        assert_status(mote_backward_draw(&b->backward, &b->block, &parents, &children, source, &chosen), MOTE_OK);
        law[chosen] += mote_source_enumerate_weight(source);
        total += mote_source_enumerate_weight(source);
    }
    assert_status(mote_source_status(source), MOTE_OK);
    assert_close(total, 1, 1e-12, 0);
    mote_source_close(&source);
}

/* W m, or W m G when the potential looks at the pair. */
static void truth(const mote_ssm *model, int child, double *law)
{
    double sum = 0;
    for (int i = 0; i < CHAIN_STATES; ++i) {
        law[i] = chain_weight[i] * chain_transition[i][child];
        if (model->flags & MOTE_SSM_PAIR_POTENTIAL)
            law[i] *= 1 / (1.0 + i + 2 * child);
        sum += law[i];
    }
    for (int i = 0; i < CHAIN_STATES; ++i)
        law[i] /= sum;
}

static void check_laws(const mote_ssm *model)
{
    static const mote_backward_setup setups[] = { { MOTE_BACKWARD_EXACT, 1, 0, 0 }, { MOTE_BACKWARD_HYBRID, 1, -1, 0 },
                                                  { MOTE_BACKWARD_HYBRID, 1, 1, 0 }, { MOTE_BACKWARD_HYBRID, 1, 3,
                                                                                       0 } };
    for (size_t k = 0; k < sizeof setups / sizeof *setups; ++k) {
        bench b;
        assert_status(open_bench(&b, model, setups[k], CHAIN_STATES, NULL), MOTE_OK);
        for (int child = 0; child < CHAIN_STATES; ++child) {
            double law[CHAIN_STATES], expected[CHAIN_STATES];
            law_of(&b, child, 0, law);
            truth(model, child, expected);
            for (int i = 0; i < CHAIN_STATES; ++i)
                assert_close(law[i], expected[i], 0, 1e-12);
        }
        close_bench(&b);
    }
}

static int pair_potential(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = -log(1.0 + (block->previous ? block->previous[0][i] : 0) + 2 * block->state[0][i]);
    return 0;
}

static mote_ssm pair_chain(void)
{
    mote_ssm model = chain_t;
    model.log_potential = pair_potential;
    model.flags |= MOTE_SSM_PAIR_POTENTIAL;
    return model;
}

static void laws_are_exact(void **unused)
{
    const mote_ssm pair = pair_chain();
    (void)unused;
    check_laws(&chain_t);
    check_laws(&pair);
}

/* sum_j p(j) P(j, k) = p(k) */
static void metropolis_leaves_the_law(void **unused)
{
    const mote_ssm pair = pair_chain(), *models[] = { &chain_t, &pair };
    (void)unused;
    for (int k = 0; k < 2; ++k)
        for (int64_t steps = 1; steps <= 3; ++steps) {
            bench b;
            assert_status(open_bench(&b, models[k], (mote_backward_setup){ MOTE_BACKWARD_MCMC, 1, 0, steps },
                                     CHAIN_STATES, NULL),
                          MOTE_OK);
            for (int child = 0; child < CHAIN_STATES; ++child) {
                double expected[CHAIN_STATES], law[CHAIN_STATES], after[CHAIN_STATES] = { 0 };
                truth(models[k], child, expected);
                for (int32_t start = 0; start < CHAIN_STATES; ++start) {
                    law_of(&b, child, start, law);
                    for (int i = 0; i < CHAIN_STATES; ++i)
                        after[i] += expected[start] * law[i];
                }
                for (int i = 0; i < CHAIN_STATES; ++i)
                    assert_close(after[i], expected[i], 0, 1e-12);
            }
            close_bench(&b);
        }
}

static void rejection_is_not_enumerated(void **unused)
{
    double law[CHAIN_STATES];
    bench b;
    mote_source *source;
    int32_t chosen, start = 0;
    const double *columns[] = { law };
    const mote_parents parents = { CHAIN_STATES, (const double *const *)chain_parent_state, chain_weight };
    const mote_children children = { 1, 0, columns, &start };
    (void)unused;
    law[0] = 0;
    assert_status(open_bench(&b, &chain_t, (mote_backward_setup){ MOTE_BACKWARD_REJECTION, 1, 0, 0 }, CHAIN_STATES,
                             NULL), MOTE_OK);
    assert_status(mote_source_open_enumerate(&source), MOTE_OK);
    assert_int_equal(mote_source_enumerate_next(source), 1);
    assert_status(mote_backward_draw(&b.backward, &b.block, &parents, &children, source, &chosen), MOTE_EUNSUPPORTED);
    mote_source_close(&source);
    close_bench(&b);
}

/* ---- frequencies ---- */

enum { MANY = 3000, CHILDREN = 200 };

/* Particles of the linear-Gaussian case, made of a live source. */
typedef struct cloud {
    double parent[MANY], log_weight[MANY], child[CHILDREN];
    int32_t start[CHILDREN];
    const double *parent_columns[1], *child_columns[1];
    mote_parents parents;
    mote_children children;
} cloud;

static void make_cloud(cloud *c, int64_t n, int64_t children)
{
    mote_source source = mote_source_live(mote_source_key(11, 0));
    mote_normals(&source, c->parent, n);
    mote_normals(&source, c->log_weight, n);
    mote_normals(&source, c->child, children);
    for (int64_t i = 0; i < n; ++i)
        c->log_weight[i] = i % 7 ? 1.5 * c->log_weight[i] - 700 : -INFINITY;
    for (int64_t i = 0; i < children; ++i) {
        c->child[i] *= 1.5;
        c->start[i] = 1;
    }
    c->parent_columns[0] = c->parent;
    c->child_columns[0] = c->child;
    c->parents = (mote_parents){ n, c->parent_columns, c->log_weight };
    c->children = (mote_children){ children, 0, c->child_columns, c->start };
}

/* Chi-square of the parents of equal children in 20 bins of parents (i mod 20); mean 19, sd 6.2: below 70 in all but
 * 1e-7. Rounds are drawn at steps of their own. */
static void check_frequencies(mote_backward_setup setup, int64_t n, int rounds)
{
    enum { BINS = 20 };
    static int32_t chosen[MOTE_BLOCK * CHILDREN];
    static cloud c;
    double expected[BINS] = { 0 }, observed[BINS] = { 0 }, sum = 0, square = 0;
    bench b;
    assert_status(open_bench(&b, &linear_gaussian_a, setup, n, NULL), MOTE_OK);
    make_cloud(&c, n, CHILDREN);
    for (int64_t i = 0; i < CHILDREN; ++i)
        c.child[i] = 2.2;
    for (int64_t i = 0; i < n; ++i)
        expected[i % BINS] += exp(c.log_weight[i] + 700 - 0.5 * (2.2 - 0.9 * c.parent[i]) * (2.2 - 0.9 * c.parent[i]));
    for (int k = 0; k < BINS; ++k)
        sum += expected[k];
    const double total = (double)(rounds * CHILDREN * setup.draws);
    const mote_source source = mote_source_live(mote_source_key(5, 1));
    for (int r = 0; r < rounds; ++r) {
        b.block.step = 1 + r;
        assert_status(mote_backward_draw(&b.backward, &b.block, &c.parents, &c.children, &source, chosen), MOTE_OK);
        for (int64_t a = 0; a < CHILDREN * setup.draws; ++a) {
            assert_true(chosen[a] >= 0 && chosen[a] < n && c.log_weight[chosen[a]] > -INFINITY);
            ++observed[chosen[a] % BINS];
        }
    }
    for (int k = 0; k < BINS; ++k) {
        const double e = expected[k] / sum * total;
        assert_true(e > 20);
        square += (observed[k] - e) * (observed[k] - e) / e;
    }
    assert_true(square < 70);
    if (setup.way == MOTE_BACKWARD_HYBRID && setup.trials > 0)
        assert_true(b.backward.info.fallbacks > 0);
    assert_int_equal(b.backward.info.draws, (int64_t)total);
    close_bench(&b);
}

static void frequencies_are_those_of_the_law(void **unused)
{
    (void)unused;
    check_frequencies((mote_backward_setup){ MOTE_BACKWARD_EXACT, 100, 0, 0 }, 60, 5);
    check_frequencies((mote_backward_setup){ MOTE_BACKWARD_EXACT, 100, 0, 0 }, MANY, 5);
    check_frequencies((mote_backward_setup){ MOTE_BACKWARD_HYBRID, 2, 0, 0 }, 60, 300);
    check_frequencies((mote_backward_setup){ MOTE_BACKWARD_HYBRID, 50, 2, 0 }, MANY, 10);
    check_frequencies((mote_backward_setup){ MOTE_BACKWARD_REJECTION, 2, 0, 0 }, 60, 300);
    check_frequencies((mote_backward_setup){ MOTE_BACKWARD_MCMC, 3, 0, 60 }, 60, 200);
}

/* Draws of one child are independent: pairs of draws agree as often as two independent ones. */
static void draws_of_a_child_are_independent(void **unused)
{
    static cloud c;
    static int32_t chosen[2 * CHILDREN];
    double p[60], sum = 0, agree = 0, seen = 0;
    bench b;
    (void)unused;
    assert_status(open_bench(&b, &linear_gaussian_a, (mote_backward_setup){ MOTE_BACKWARD_HYBRID, 2, 0, 0 }, 60, NULL),
                  MOTE_OK);
    make_cloud(&c, 60, CHILDREN);
    for (int64_t i = 0; i < CHILDREN; ++i)
        c.child[i] = 0.3;
    for (int i = 0; i < 60; ++i)
        sum += p[i] = exp(c.log_weight[i] + 700 - 0.5 * (0.3 - 0.9 * c.parent[i]) * (0.3 - 0.9 * c.parent[i]));
    for (int i = 0; i < 60; ++i)
        agree += p[i] / sum * p[i] / sum;
    const mote_source source = mote_source_live(mote_source_key(6, 1));
    for (int r = 0; r < 200; ++r) {
        b.block.step = 1 + r;
        assert_status(mote_backward_draw(&b.backward, &b.block, &c.parents, &c.children, &source, chosen), MOTE_OK);
        for (int64_t i = 0; i < CHILDREN; ++i)
            seen += chosen[i] == chosen[CHILDREN + i];
    }
    assert_close(seen / (200 * CHILDREN), agree, 0,
                 5 * sqrt(agree * (1 - agree) / (200 * CHILDREN))); /* false alarm 6e-7 */
    close_bench(&b);
}

/* ---- the same numbers ---- */

static void threads_and_cuts_do_not_show(void **unused)
{
    static cloud c;
    static int32_t first[16 * CHILDREN], again[16 * CHILDREN];
    (void)unused;
    make_cloud(&c, MANY, CHILDREN);
    for (int64_t way = 0; way < 4; ++way)
        for (int64_t threads = 1; threads <= 7; threads += 3) {
            const mote_source source = mote_source_live(mote_source_key(8, way));
            mote_memory memory;
            mote_pool *pool;
            bench b;
            mote_memory_open(&memory, NULL);
            assert_status(mote_pool_open(&pool, &memory, threads), MOTE_OK);
            assert_status(open_bench(&b, &linear_gaussian_a, (mote_backward_setup){ way, 16, 10, 2 }, MANY, pool),
                          MOTE_OK);
            assert_status(mote_backward_draw(&b.backward, &b.block, &c.parents, &c.children, &source, threads > 1
                                             ? again : first),
                          MOTE_OK);
            if (threads > 1)
                assert_same_bytes(first, again, sizeof first);
            const double *tail[] = { c.child + 77 };
            const mote_children some = { CHILDREN - 77, 77, tail, c.start };
            assert_status(mote_backward_draw(&b.backward, &b.block, &c.parents, &some, &source, again), MOTE_OK);
            for (int j = 0; j < 16; ++j)
                assert_same_bytes(first + j * CHILDREN + 77, again + j * (CHILDREN - 77),
                                  (CHILDREN - 77) * sizeof(int32_t));
            close_bench(&b);
            mote_pool_close(&pool);
        }
}

/* Scattered bits are those of the particles one by one; a tape gives them again. */
static void scattered_bits_are_addressed(void **unused)
{
    uint64_t draw[32], pair[32], first[32], second[32], words[2];
    mote_source *live, *record, *replay, *sources[3];
    (void)unused;
    assert_status(mote_source_open_live(&live, 3, 4), MOTE_OK);
    assert_status(mote_source_open_record(&record, live), MOTE_OK);
    assert_status(mote_source_open_replay(&replay, record), MOTE_OK);
    sources[0] = live, sources[1] = record, sources[2] = replay;
    for (uint64_t i = 0; i < 32; ++i) {
        draw[i] = i * i % 13;
        pair[i] = i < 30 ? i * 977 % 101 : UINT32_MAX - i;
    }
    for (int k = 0; k < 3; ++k) {
        mote_source at = mote_source_at(sources[k], MOTE_PURPOSE_BACKWARD, 9, 0);
        mote_source_scattered_bits(&at, draw, pair, first, second, 21);
        for (int i = 0; i < 21; ++i) {
            mote_source one = mote_source_at(live, MOTE_PURPOSE_BACKWARD, 9, (int64_t)pair[i] * 2);
            one.draw = (uint32_t)draw[i];
            mote_bits(&one, words, 2);
            assert_true(words[0] == first[i] && words[1] == second[i]);
        }
        assert_status(mote_source_status(&at), MOTE_OK);
    }
    mote_source_close(&replay);
    mote_source_close(&record);
    mote_source_close(&live);
}

/* ---- what can go wrong ---- */

static void check_refusal(const mote_ssm *model, mote_backward_setup setup, int status, const char *text)
{
    bench b;
    assert_status(open_bench(&b, model, setup, 10, NULL), status);
    if (!strstr(b.message.text, text))
        fail_msg("'%s' lacks '%s'", b.message.text, text);
    close_bench(&b);
}

static void what_is_missing_is_named(void **unused)
{
    mote_ssm model = linear_gaussian_a;
    (void)unused;
    check_refusal(&model, (mote_backward_setup){ MOTE_BACKWARD_EXACT, 0, 0, 0 }, MOTE_EOPTION, "backward draws");
    check_refusal(&model, (mote_backward_setup){ 7, 2, 0, 0 }, MOTE_EOPTION, "option backward");
    model.log_transition_bound = NULL;
    check_refusal(&model, (mote_backward_setup){ MOTE_BACKWARD_HYBRID, 2, 0, 0 }, MOTE_EUNSUPPORTED,
                  "option backward = hybrid needs log_transition_bound, which the model 'linear_gaussian' lacks");
    model.log_transition = NULL;
    check_refusal(&model, (mote_backward_setup){ MOTE_BACKWARD_MCMC, 2, 0, 0 }, MOTE_EUNSUPPORTED,
                  "option backward = mcmc needs log_transition");
}

static double fault;

static int faulty_density(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = i == 5 ? fault : 0;
    return fault == 7 ? 3 : fault == 8 ? -44 : 0;
}

static int zero_bound(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = 0;
    return 0;
}

static void faults_of_the_model_are_named(void **unused)
{
    static const struct { double fault; int status; const char *text; } cases[] = {
        { NAN, MOTE_EMODEL, "not a number" }, { INFINITY, MOTE_EMODEL, "not a number" }, { 7, MOTE_EMODEL,
                                                                                           "code above 0" },
        { 8, -44, "" }, { 0.5, MOTE_EMODEL, "above log_transition_bound" } };
    static cloud c;
    static int32_t chosen[3 * CHILDREN];
    mote_ssm model = linear_gaussian_a;
    (void)unused;
    model.log_transition = faulty_density;
    model.log_transition_bound = zero_bound;
    make_cloud(&c, 100, CHILDREN);
    for (int64_t way = 0; way < 4; ++way)
        for (size_t k = 0; k < sizeof cases / sizeof *cases; ++k) {
            const mote_source source = mote_source_live(3);
            bench b;
            fault = cases[k].fault;
            if (fault == 0.5 && (way == MOTE_BACKWARD_EXACT || way == MOTE_BACKWARD_MCMC))
                continue;
            assert_status(open_bench(&b, &model, (mote_backward_setup){ way, 3, 0, 0 }, 100, NULL), MOTE_OK);
            assert_status(mote_backward_draw(&b.backward, &b.block, &c.parents, &c.children, &source, chosen),
                          cases[k].status);
            assert_non_null(strstr(b.message.text, cases[k].text));
            close_bench(&b);
        }
}

static int impossible(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = -INFINITY;
    return 0;
}

/* Children that no parent can have keep their ancestor; parents without weight are an error. */
static void children_without_parents_keep_their_ancestor(void **unused)
{
    static cloud c;
    static int32_t chosen[2 * CHILDREN];
    mote_ssm model = linear_gaussian_a;
    (void)unused;
    model.log_transition = impossible;
    make_cloud(&c, 100, CHILDREN);
    for (int64_t way = 0; way < 4; ++way) {
        const mote_source source = mote_source_live(3);
        bench b;
        if (way == MOTE_BACKWARD_REJECTION)
            continue;
        assert_status(open_bench(&b, &model, (mote_backward_setup){ way, 2, 0, 0 }, 100, NULL), MOTE_OK);
        assert_status(mote_backward_draw(&b.backward, &b.block, &c.parents, &c.children, &source, chosen), MOTE_OK);
        for (int64_t i = 0; i < 2 * CHILDREN; ++i)
            assert_int_equal(chosen[i], 1);
        for (int i = 0; i < 100; ++i)
            c.log_weight[i] = -INFINITY;
        assert_status(mote_backward_draw(&b.backward, &b.block, &c.parents, &c.children, &source, chosen),
                      MOTE_ENUMERIC);
        make_cloud(&c, 100, CHILDREN);
        close_bench(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(laws_are_exact),
        cmocka_unit_test(metropolis_leaves_the_law),
        cmocka_unit_test(rejection_is_not_enumerated),
        cmocka_unit_test(frequencies_are_those_of_the_law),
        cmocka_unit_test(draws_of_a_child_are_independent),
        cmocka_unit_test(threads_and_cuts_do_not_show),
        cmocka_unit_test(scattered_bits_are_addressed),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(faults_of_the_model_are_named),
        cmocka_unit_test(children_without_parents_keep_their_ancestor),
    };
    return run_unit_tests(tests);
}
