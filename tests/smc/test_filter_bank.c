/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bank of filters over parameters. By enumeration, on a chain of two states whose law depends on a parameter of two
 * values: the evidence E[Z_hat] = sum p(theta) Z(theta) and posterior sums E[Z_hat W(theta)] are exact to rounding
 * through extension, resampling, particle marginal Metropolis-Hastings moves and an exchange to more particles; without
 * the ratio of the exchange they are not (tests/planted). Live: the same bytes for threads and after loading at every
 * step; every member is the filter that its key and parameters make, alone; shared stores; memory that runs out. */
#include "smc/filter_bank.h"

#include "core/vector.h"
#include "tests/support/allocator.h"
#include "tests/support/state_space_models.h"
#include "tests/support/test.h"
#include "tests/support/two_points.h"

/* ---- a bank without a run ---- */

typedef struct bench {
    mote_memory memory;
    mote_message message;
    mote_state_space space;
    mote_pool *pool;
    mote_filter_bank bank;
} bench;

static void open_bench(bench *b, const mote_ssm *model, mote_filter_setup setup, int64_t n, const mote_source *source,
                       int64_t threads)
{
    memset(b, 0, sizeof *b);
    mote_memory_open(&b->memory, NULL);
    assert_status(mote_state_space_open(&b->space, model, &b->memory, &b->message), MOTE_OK);
    if (threads > 1)
        assert_status(mote_pool_open(&b->pool, &b->memory, threads), MOTE_OK);
    assert_status(mote_filter_bank_open(&b->bank, &b->space, &setup, n, 2, source, &b->memory, b->pool, &b->message),
                  MOTE_OK);
}

static void close_bench(bench *b)
{
    mote_filter_bank_close(&b->bank);
    mote_pool_close(&b->pool);
    mote_state_space_close(&b->space);
}

static void extend(mote_filter_bank *bank)
{
    ++bank->step;
    assert_status(mote_filter_bank_advance(bank, 0, bank->n), MOTE_OK);
    mote_filter_bank_weigh(bank);
}

/* One transition of particle marginal Metropolis-Hastings that proposes the other value of theta. */
static void move(mote_filter_bank *bank, int64_t i, mote_source *source)
{
    const int theta = (int)*mote_filter_bank_theta(bank, i);
    *mote_filter_bank_theta(bank, bank->n) = 1 - theta;
    mote_filter_bank_begin(bank, bank->n, 1000);
    assert_status(mote_filter_bank_advance(bank, bank->n, 1), MOTE_OK);
    const double after = two_prior[1 - theta] * exp(bank->member[bank->n].log_evidence);
    const double ratio = after / (two_prior[theta] * exp(bank->member[i].log_evidence));
    const double cut[] = { ratio };
    if (ratio >= 1 || mote_uniform_cut(source, cut, 1) < ratio)
        mote_filter_bank_replace(bank, i, bank->n);
    mote_filter_bank_forget(bank);
}

/* What is done after the observation of each time: letters x: exchange to one particle more, r: resample, m: move
 * member 0, M: member 1. */
static int enumerate_schedule(const char *const *schedule, int times, int64_t particles, double *evidence,
                              double *second)
{
    const mote_filter_setup setup = { .particles = particles, .rule = MOTE_RULE_ALWAYS,
                                      .resampling = MOTE_RESAMPLE_SYSTEMATIC };
    mote_source *source;
    bench b;
    int passes = 0;
    *evidence = *second = 0;
    assert_status(mote_source_open_enumerate(&source), MOTE_OK);
    open_bench(&b, &two, setup, 2, source, 1);
    mote_filter_bank *bank = &b.bank;
    while (mote_source_enumerate_next(source)) {
        if (bank->setup.particles != particles)
            assert_status(mote_filter_bank_exchange(bank, particles), MOTE_OK);
        mote_filter_bank_start(bank);
        for (int i = 0; i < 2; ++i)
            *mote_filter_bank_theta(bank, i) = (double)mote_choose(source, two_prior, 2);
        for (int t = 0; t < times; ++t) {
            extend(bank);
            for (const char *c = schedule[t]; *c; ++c) {
                if (*c == 'x') {
                    assert_status(mote_filter_bank_exchange(bank, bank->setup.particles + 1), MOTE_OK);
                    assert_status(mote_filter_bank_advance(bank, 0, 2), MOTE_OK);
                    mote_filter_bank_weigh(bank);
                } else if (*c == 'r') {
                    assert_status(mote_filter_bank_resample(bank, source), MOTE_OK);
                } else {
                    move(bank, *c == 'M', source);
                }
            }
        }
        const double w = mote_source_enumerate_weight(source) * exp(bank->log_evidence);
        *evidence += w;
        for (int i = 0; i < 2; ++i)
            *second += w * mote_population_weight(&bank->weights, i) * *mote_filter_bank_theta(bank, i);
        ++passes;
    }
    assert_status(mote_source_status(source), MOTE_OK);
    close_bench(&b);
    mote_source_close(&source);
    return passes;
}

static void the_evidence_is_unbiased(void **unused)
{
    static const char *const schedules[][3] = {
        { "", "", "" }, { "r", "", "r" }, { "x", "", "" }, { "", "x", "" }, { "rm", "", "" }, { "xr", "", "" },
        { "rm", "x", "" }, { "xrm", "", "" }, { "rmM", "", "" }, { "x", "r", "" }, { "r", "rx", "" },
    };
    static const int times[] = { 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2 };
    static const int64_t particles[] = { 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1 };
    (void)unused;
    for (size_t k = 0; k < sizeof times / sizeof *times; ++k) {
        double evidence, second;
        const double z0 = two_prior[0] * two_evidence(0, times[k]), z1 = two_prior[1] * two_evidence(1, times[k]);
        const int passes = enumerate_schedule(schedules[k], times[k], particles[k], &evidence, &second);
        print_message("schedule '%s|%s|%s': %d outcomes\n", schedules[k][0], schedules[k][1], schedules[k][2], passes);
        assert_close(evidence, z0 + z1, 1e-12, 0);
        assert_close(second, z1, 1e-12, 0);
    }
}

/* ---- live ---- */

static const double theta_of[6][4] = { { 0.9, 1, 1, 5 }, { 0.5, 1, 1, 5 }, { 0.7, 2, 1, 5 }, { 0.9, 1, 3, 5 },
                                       { 0.2, 1, 2, 1 },
                                       { 0.8, 0.5, 1, 2 } };

static void open_live(bench *b, int64_t threads)
{
    const mote_source source = mote_source_live(mote_source_key(7, 0));
    const mote_filter_setup setup = { .particles = 53, .rule = MOTE_RULE_ESS, .threshold = 0.5 };
    open_bench(b, &linear_gaussian_a, setup, 6, &source, threads);
    memcpy(b->bank.theta, theta_of, sizeof theta_of);
}

/* The lone filter of one member, under its key, over the first observations. */
static double alone(const bench *b, int64_t i)
{
    mote_filter_setup setup = b->bank.setup;
    mote_particle_filter filter;
    mote_message message;
    mote_datum datum;
    mote_source source = b->bank.source;
    source.key = b->bank.member[i].key;
    assert_status(mote_particle_filter_open(&filter, &b->space, &setup, &b->memory, NULL, &message), MOTE_OK);
    assert_status(mote_datum_open(&datum, &b->space, &b->memory), MOTE_OK);
    assert_status(mote_particle_filter_start(&filter, mote_filter_bank_theta(&b->bank, i), &source), MOTE_OK);
    for (int64_t t = 0; t < b->bank.step; ++t) {
        mote_datum_from_series(&datum, &b->space, t);
        assert_status(mote_particle_filter_step(&filter, &datum), MOTE_OK);
    }
    const double log_evidence = filter.log_evidence;
    assert_same_bytes(filter.now->state[0], mote_filter_bank_population(&b->bank, i)->state[0], 53 * sizeof(double));
    mote_particle_filter_close(&filter);
    mote_datum_close(&datum, &b->memory);
    return log_evidence;
}

static void members_are_filters(void **unused)
{
    bench b;
    (void)unused;
    open_live(&b, 1);
    for (int t = 0; t < 10; ++t)
        extend(&b.bank);
    for (int64_t i = 0; i < 6; ++i)
        assert_true(alone(&b, i) == b.bank.member[i].log_evidence);
    mote_filter_bank_theta(&b.bank, 6)[LG_RHO] = 0.4;
    for (int p = LG_VAR_X; p < LG_PARAMETERS; ++p)
        mote_filter_bank_theta(&b.bank, 6)[p] = 1;
    mote_filter_bank_begin(&b.bank, 6, 77);
    assert_status(mote_filter_bank_advance(&b.bank, 6, 1), MOTE_OK);
    mote_filter_bank_replace(&b.bank, 3, 6);
    assert_true(alone(&b, 3) == b.bank.member[3].log_evidence);
    assert_true(mote_filter_bank_theta(&b.bank, 3)[LG_RHO] == 0.4);
    close_bench(&b);
}

/* After resampling, members share stores; each goes on by itself, and every store comes back. */
static void stores_are_shared_and_returned(void **unused)
{
    bench b;
    (void)unused;
    open_live(&b, 1);
    const mote_bank_stores *stores = &b.bank.room.stores;
    for (int t = 0; t < 8; ++t)
        extend(&b.bank);
    assert_int_equal(stores->free_count, stores->count - 6);
    mote_source source = mote_source_at(&b.bank.source, MOTE_PURPOSE_RESAMPLE, 1, 0);
    assert_status(mote_filter_bank_resample(&b.bank, &source), MOTE_OK);
    assert_true(stores->free_count > stores->count - 6);
    assert_close(b.bank.weights.effective_sample_size, 6, 1e-14, 0);
    extend(&b.bank);
    assert_int_equal(stores->free_count, stores->count - 6);
    for (int64_t i = 0; i < 6; ++i)
        for (int64_t j = 0; j < i; ++j)
            assert_true(b.bank.member[i].log_evidence != b.bank.member[j].log_evidence);
    mote_filter_bank_start(&b.bank);
    assert_int_equal(stores->free_count, stores->count);
    close_bench(&b);
}

/* Everything that a bank can do; the evidence of each step in `trace`. `kept`: saved and loaded again before each. */
static void play(bench *b, int kept, double *trace, int64_t threads)
{
    open_live(b, threads);
    for (int t = 0; t < 12; ++t) {
        if (kept) {
            mote_writer writer;
            mote_reader reader;
            mote_writer_open(&writer, &b->memory);
            mote_filter_bank_save(&b->bank, &writer);
            close_bench(b);
            open_live(b, threads);
            mote_reader_open(&reader, writer.bytes, writer.length);
            assert_status(mote_filter_bank_load(&b->bank, 100000, &reader), MOTE_OK);
            assert_int_equal(reader.position, reader.length);
            mote_writer_close(&writer);
        }
        extend(&b->bank);
        mote_source source = mote_source_at(&b->bank.source, MOTE_PURPOSE_RESAMPLE, (uint32_t)t, 0);
        if (t % 3 == 2)
            assert_status(mote_filter_bank_resample(&b->bank, &source), MOTE_OK);
        if (t == 5) {
            assert_status(mote_filter_bank_exchange(&b->bank, 2100), MOTE_OK);
            assert_status(mote_filter_bank_advance(&b->bank, 0, 6), MOTE_OK);
            mote_filter_bank_weigh(&b->bank);
        }
        trace[t] = b->bank.log_evidence;
    }
}

static void threads_and_resuming_do_not_show(void **unused)
{
    double one[12], many[12], kept[12];
    bench b, c;
    (void)unused;
    play(&b, 0, one, 1);
    mote_writer first, second;
    mote_writer_open(&first, &b.memory);
    mote_filter_bank_save(&b.bank, &first);
    play(&c, 0, many, 3);
    mote_writer_open(&second, &b.memory);
    mote_filter_bank_save(&c.bank, &second);
    assert_int_equal(first.length, second.length);
    assert_same_bytes(first.bytes, second.bytes, (size_t)first.length);
    close_bench(&c);
    play(&c, 1, kept, 2);
    assert_same_bytes(one, many, sizeof one);
    assert_same_bytes(one, kept, sizeof one);
    close_bench(&c);
    close_bench(&b);
    mote_writer_close(&first);
    mote_writer_close(&second);
}

/* ---- models that prepare, fail or die ---- */

static int prepare(void *ctx, const double *theta, void *cache)
{
    (void)ctx;
    *(double *)cache = theta[LG_RHO];
    return theta[LG_RHO] == 0.7 ? 3 : 0;
}

static int fragile(void *ctx, const mote_block *block)
{
    const double rho = *(const double *)block->cache;
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = block->step < 2 || rho != 0.5 ? rho * block->state[0][i] : NAN;
    for (int64_t i = 0; i < block->n && block->step > 3 && rho == 0.2; ++i)
        block->log_weight[i] = -INFINITY;
    return 0;
}

/* theta[2] fails in prepare, theta[1] at step 2, theta[4] dies at step 4; copies of a cache are the member's own. */
static void failures_are_dead_members(void **unused)
{
    const mote_source source = mote_source_live(mote_source_key(7, 0));
    const mote_filter_setup setup = { .particles = 20, .rule = MOTE_RULE_ALWAYS };
    mote_ssm model = linear_gaussian_a;
    bench b;
    (void)unused;
    model.prepare = prepare;
    model.cache_size = sizeof(double);
    model.log_potential = fragile;
    open_bench(&b, &model, setup, 6, &source, 2);
    memcpy(b.bank.theta, theta_of, sizeof theta_of);
    for (int t = 0; t < 7; ++t) {
        extend(&b.bank);
        assert_true(b.bank.member[2].failed && b.bank.member[2].log_evidence == -INFINITY);
        assert_int_equal(b.bank.member[1].failed, t >= 2);
        assert_int_equal(b.bank.member[4].dead, t >= 4 ? 5 : 0);
        assert_true(!b.bank.member[4].failed && isfinite(b.bank.log_evidence));
        for (int64_t i = 0; i < 6; ++i)
            assert_int_equal(b.bank.weights.log_weight[i] == -INFINITY, b.bank.member[i].dead > 0);
    }
    mote_source at = mote_source_at(&b.bank.source, MOTE_PURPOSE_RESAMPLE, 1, 0);
    assert_status(mote_filter_bank_resample(&b.bank, &at), MOTE_OK);
    extend(&b.bank);
    for (int64_t i = 0; i < 6; ++i) {
        assert_true(!b.bank.member[i].dead);
        assert_true(*(double *)(void *)(b.bank.cache + b.bank.member[i].cache * b.bank.cache_stride) ==
                    mote_filter_bank_theta(&b.bank, i)[LG_RHO]);
    }
    close_bench(&b);
}

/* Every allocation of an exchange may fail: the bank goes on as it was. */
static void an_exchange_without_memory_changes_nothing(void **unused)
{
    const mote_source source = mote_source_live(mote_source_key(7, 0));
    const mote_filter_setup setup = { .particles = 53, .rule = MOTE_RULE_ESS, .threshold = 0.5 };
    test_allocator counter = { 0 };
    const mote_allocator allocator = test_allocator_of(&counter);
    bench b;
    (void)unused;
    memset(&b, 0, sizeof b);
    assert_status(mote_memory_open(&b.memory, &allocator), MOTE_OK);
    assert_status(mote_state_space_open(&b.space, &linear_gaussian_a, &b.memory, &b.message), MOTE_OK);
    assert_status(mote_filter_bank_open(&b.bank, &b.space, &setup, 6, 2, &source, &b.memory, NULL, &b.message),
                  MOTE_OK);
    memcpy(b.bank.theta, theta_of, sizeof theta_of);
    extend(&b.bank);
    const double before = b.bank.log_evidence;
    int64_t failures = 0;
    for (;; ++failures) {
        counter.fail_at = counter.calls + 1 + failures;
        if (!mote_filter_bank_exchange(&b.bank, 100))
            break;
        counter.fail_at = 0;
        assert_true(b.bank.log_evidence == before && b.bank.setup.particles == 53 && b.bank.member[0].step == 1);
        assert_true(alone(&b, 3) == b.bank.member[3].log_evidence);
    }
    assert_true(failures > 20);
    close_bench(&b);
    assert_int_equal(counter.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_evidence_is_unbiased),
        cmocka_unit_test(members_are_filters),
        cmocka_unit_test(stores_are_shared_and_returned),
        cmocka_unit_test(threads_and_resuming_do_not_show),
        cmocka_unit_test(failures_are_dead_members),
        cmocka_unit_test(an_exchange_without_memory_changes_nothing),
    };
    return run_unit_tests(tests);
}
