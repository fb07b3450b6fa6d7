/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Live resampling: against plain loops on the same numbers, and the same bytes for any number of threads and every
 * instruction set; weights of all sizes; no memory taken in a step. The law of live draws: test_resample_live.c. */
#include "core/vector_variants.h"
#include "tests/smc/resampling.h"
#include "tests/support/allocator.h"

enum { GUARD = -7 };
static double uniform[MOST + 1];
static int32_t ancestor[MOST], expected[MOST];

/* ---- plain loops ---- */

static double cumulative_of(const uint64_t *q, int64_t n, double *out, int64_t count)
{
    uint64_t total = 0, sum = 0;
    for (int64_t i = 0; i < n; ++i)
        total += q[i];
    for (int64_t i = 0; i < n; ++i) {
        sum += q[i];
        out[i] = sum == total ? INFINITY : (double)sum * ((double)count / (double)total);
    }
    return (double)total;
}

/* Whole numbers of plain[], as smc/resample_weights.c has them. */
static void whole_numbers(uint64_t *q, int64_t n)
{
    double largest = 0;
    int exponent, bits = 63;
    for (int64_t i = 0; i < n; ++i)
        largest = fmax(largest, plain[i]);
    for (int64_t reach = 1; reach < n; reach *= 2)
        --bits;
    frexp(largest, &exponent);
    for (int64_t i = 0; i < n; ++i)
        q[i] = (uint64_t)llrint(ldexp(plain[i], (bits < 52 ? bits : 52) - exponent));
}

/* Slot s belongs to the first parent that ends behind the point; multinomial's ends are in [0, 1) instead of slots. */
static void plain_loop(int64_t choice, mote_source *source, int64_t n, int64_t count)
{
    static uint64_t q[MOST];
    static double end[MOST];
    double u = 0;
    int64_t i = 0;
    whole_numbers(q, n);
    cumulative_of(q, n, end, choice == MOTE_RESAMPLE_MULTINOMIAL ? 1 : count);
    if (choice == MOTE_RESAMPLE_SYSTEMATIC)
        mote_uniforms(source, &u, 1);
    else if (choice == MOTE_RESAMPLE_STRATIFIED)
        mote_uniforms(source, uniform, count);
    else
        mote_ordered_uniforms(source, uniform, count, NULL, 0);
    for (int64_t s = 0; s < count; ++s) {
        for (;; ++i) {
            const double left = end[i] - (double)s;
            if (choice == MOTE_RESAMPLE_SYSTEMATIC ? ceil(end[i] - u) > (double)s
                : choice == MOTE_RESAMPLE_STRATIFIED ? left >= 1 || uniform[s] < left
                                                     : uniform[s] < end[i])
                break;
        }
        expected[s] = (int32_t)i;
    }
}

static void check_plain(int64_t choice, int64_t n, int64_t count, double sd, uint32_t step)
{
    const mote_block_weights w = { weight, factor, n, 0 };
    mote_source source = source_at(step), same = source;
    mote_resampler r;
    fill(n, sd, n > 3, step);
    open_resampler(&r, choice, n > count ? n : count, NULL);
    for (int64_t s = 0; s < count; ++s)
        ancestor[s] = GUARD;
    assert_status(mote_resample(&r, &source, &w, count, ancestor), MOTE_OK);
    plain_loop(choice, &same, n, count);
    assert_same_bytes(ancestor, expected, (size_t)count * sizeof *ancestor);
    assert_int_equal(source.draw, 1);
    mote_resampler_close(&r);
}

static void kernels_are_the_plain_loops(void **state)
{
    static const int64_t sizes[] = { 1, 2, 3, 100, 1023, 1024, 1025, 5000 };
    (void)state;
    for (int64_t choice = MOTE_RESAMPLE_SYSTEMATIC; choice <= MOTE_RESAMPLE_MULTINOMIAL; ++choice) {
        for (uint32_t step = 0; step < 10; ++step)
            for (int s = 0; s < 8; ++s) {
                check_plain(choice, sizes[s], sizes[s], step % 2 ? 1.0 : 3.0, step);
                check_plain(choice, sizes[s], sizes[7 - s], 1.0, step);
            }
        check_plain(choice, MOST, MOST, 0.7, 77);
    }
}

/* To say that weights come from the kernel saves a pass and changes nothing. */
static void weighed_blocks_are_like_any(void **state)
{
    static double maximum[MANY / MOTE_WEIGHT_BLOCK + 1];
    (void)state;
    for (int64_t choice = 0; mote_resampling_name(choice); ++choice) {
        mote_block_weights w = { weight, factor, MANY, 0 };
        const int64_t count = mote_resampling_flags(choice) & MOTE_RESAMPLING_WEIGHTED ? MANY / 3 : MANY;
        mote_resampler r;
        fill(MANY, 1.0, 0, 3);
        for (int64_t first = 0, b = 0; first < MANY; first += MOTE_WEIGHT_BLOCK, ++b) {
            const int64_t left = MANY - first;
            double sum;
            for (int64_t i = first; i < MANY && i < first + MOTE_WEIGHT_BLOCK; ++i)
                plain[i] = b == 4 ? -INFINITY : mote_log(weight[i]) - (double)b;
            mote_vector()->weigh(weight + first, plain + first, left < MOTE_WEIGHT_BLOCK ? left : MOTE_WEIGHT_BLOCK,
                                 &maximum[b], &sum);
            factor[b] = mote_exp(maximum[b] - maximum[0]);
        }
        open_resampler(&r, choice, MANY, NULL);
        for (w.weighed = 0; w.weighed < 2; ++w.weighed) {
            mote_source source = source_at(9);
            assert_status(mote_resample_weighted(&r, &source, &w, count, w.weighed ? ancestor : expected, plain),
                          MOTE_OK);
        }
        assert_same_bytes(ancestor, expected, (size_t)count * sizeof *ancestor);
        mote_resampler_close(&r);
    }
}

/* Slots asked for in ranges of any size and order are those of the whole, with flat weights and with a few parents that
 * fill many blocks; blocks without weight are passed over. */
static void parts_are_the_whole(void **state)
{
    static const double sds[] = { 0, 0.7, 6 };
    static const int64_t ranges[] = { 1, 17, 1024, 1500, MANY };
    static mote_resample_edges edges[2];
    (void)state;
    for (int k = 0; k < 3; ++k)
        for (int g = k ? 0 : 1; g < 5; ++g) {
            const mote_block_weights w = { weight, factor, MANY, 0 };
            mote_source source = source_at((uint32_t)g), same = source;
            mote_resampler r;
            fill(MANY, sds[k], k == 1, 8);
            for (int64_t b = 3; b < 6; ++b)
                factor[b] = k ? 0 : factor[b];
            memset(edges, 0, sizeof edges);
            open_resampler(&r, MOTE_RESAMPLE_SYSTEMATIC, MANY, NULL);
            assert_status(mote_resample(&r, &source, &w, MANY, expected), MOTE_OK);
            for (int again = 0; again < 2; ++again) {
                mote_source at = same;
                assert_status(mote_resample_begin(&r, &at, &w, MANY, ancestor), MOTE_OK);
                assert_int_equal(at.draw, source.draw);
                for (int64_t i = 0; i < MANY; ++i)
                    ancestor[i] = GUARD;
                const int64_t parts = (MANY + ranges[g] - 1) / ranges[g];
                for (int64_t i = 0; i < parts; ++i) {
                    const int64_t part = i % 2 ? parts - 1 - i / 2 : i / 2, first = part * ranges[g],
                        left = MANY - first;
                    mote_resample_slots(&r, first, left < ranges[g] ? left : ranges[g], &edges[i % 2]);
                }
                assert_same_bytes(ancestor, expected, MANY * sizeof *ancestor);
            }
            mote_resampler_close(&r);
        }
}

static void parts_are_for_systematic_only(void **state)
{
    (void)state;
    for (int64_t choice = 1; mote_resampling_name(choice); ++choice) {
        const mote_block_weights w = { weight, factor, 100, 0 };
        mote_source source = source_at(1);
        mote_resampler r;
        fill(100, 1.0, 0, 8);
        open_resampler(&r, choice, 100, NULL);
        assert_status(mote_resample_begin(&r, &source, &w, 100, ancestor), MOTE_EUNSUPPORTED);
        mote_resampler_close(&r);
    }
}

/* ---- threads, instruction sets ---- */

static void digest_bytes(uint64_t *digest, const void *bytes, size_t size)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < size; ++i)
        *digest = (*digest ^ p[i]) * UINT64_C(0x100000001b3);
}

/* Everything that a scheme gives for 30000 particles. */
static uint64_t digest(mote_pool *pool)
{
    uint64_t result = UINT64_C(0xcbf29ce484222325);
    for (int64_t choice = 0; mote_resampling_name(choice); ++choice)
        for (uint32_t step = 0; step < 2; ++step) {
            const int weighted = !!(mote_resampling_flags(choice) & MOTE_RESAMPLING_WEIGHTED);
            const int64_t count = weighted ? MANY / 3 : MANY;
            const mote_block_weights w = { weight, factor, MANY, 0 };
            mote_source source = source_at(step);
            mote_resampler r;
            int64_t slot = 0;
            fill(MANY, step ? 2.5 : 0.7, (int)step, 5);
            open_resampler(&r, choice, MANY, pool);
            int status = mote_resample_weighted(&r, &source, &w, count, ancestor, plain);
            digest_bytes(&result, ancestor, (size_t)count * sizeof *ancestor);
            digest_bytes(&result, plain, (size_t)count * sizeof *plain);
            if (mote_resampling_flags(choice) & MOTE_RESAMPLING_CONDITIONAL) {
                status = status ? status : mote_resample_conditional(&r, &source, &w, count, 20000, ancestor, &slot);
                digest_bytes(&result, ancestor, (size_t)count * sizeof *ancestor);
                digest_bytes(&result, &slot, sizeof slot);
            }
            result ^= (uint64_t)status << 32 | source.draw;
            mote_resampler_close(&r);
        }
    return result;
}

static void threads_do_not_matter(void **state)
{
    static const int64_t threads[] = { 1, 2, 7 };
    const uint64_t serial = digest(NULL);
    (void)state;
    for (int i = 0; i < 3; ++i) {
        mote_pool *pool;
        assert_status(mote_pool_open(&pool, &memory, threads[i]), MOTE_OK);
        assert_true(digest(pool) == serial);
        mote_pool_close(&pool);
    }
}

static const char *program;

/* The table is chosen once in a process, so that each instruction set needs its own. */
static void instruction_sets_do_not_matter(void **state)
{
    const mote_vector_table *table;
    (void)state;
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v) {
        char command[4096];
        unsigned long long other = 0;
        snprintf(command, sizeof command, "MOTE_ISA=%s '%s' --digest", table->name, program);
        FILE *output = popen(command, "r");
        assert_non_null(output);
        assert_int_equal(fscanf(output, "%llx", &other), 1);
        assert_int_equal(pclose(output), 0);
        assert_true(other == digest(NULL));
    }
}

/* ---- odd weights ---- */

static int draw_plain(int64_t choice, int64_t n, int64_t count)
{
    mote_source source = source_at(3);
    for (int64_t s = 0; s < count; ++s)
        ancestor[s] = GUARD;
    return mote_resample_ancestors(&source, choice, plain, n, count, ancestor, uniform);
}

/* Every slot is filled, by a parent of positive weight (but for Metropolis). */
static void check_alive(int64_t choice, int64_t n, int64_t count)
{
    for (int64_t s = 0; s < count; ++s) {
        assert_in_range(ancestor[s], 0, n - 1);
        if (choice != MOTE_RESAMPLE_METROPOLIS)
            assert_true(plain[ancestor[s]] > 0);
    }
}

static void weights_of_all_sizes(void **state)
{
    static const double scales[] = { 1, 1e-300, 4e-324, 1e300, 1e-9 };
    (void)state;
    for (int64_t choice = 0; mote_resampling_name(choice); ++choice)
        for (int s = 0; s < 5; ++s) {
            for (int64_t i = 0; i < 3000; ++i) /* a tail of zeros */
                plain[i] = i < 1000 ? scales[s] * (1 + (double)(i % 5)) : 0;
            assert_status(draw_plain(choice, 3000, 3000), MOTE_OK);
            check_alive(choice, 3000, 3000);
            for (int64_t i = 0; i < 3000; ++i) /* one alive */
                plain[i] = i == 2047 ? scales[s] : 0;
            assert_status(draw_plain(choice, 3000, 3000), MOTE_OK);
            check_alive(choice, 3000, 3000);
        }
}

static void small_sizes(void **state)
{
    (void)state;
    plain[0] = 0.3;
    for (int64_t choice = 0; mote_resampling_name(choice); ++choice) {
        assert_status(draw_plain(choice, 1, 1), MOTE_OK);
        assert_int_equal(ancestor[0], 0);
        assert_close(uniform[0], 1.0, 0, 0);
    }
    plain[1] = 0.7;
    assert_status(draw_plain(MOTE_RESAMPLE_OPTIMAL, 2, 4), MOTE_OK); /* more slots than candidates */
    assert_true(ancestor[0] == 0 && ancestor[1] == 1 && ancestor[2] == 1 && uniform[2] == 0 && uniform[3] == 0);
    assert_close(uniform[0], 0.3, 1e-15, 0);
}

/* A factor of 2^-k for a block is the same as weights times 2^-k. */
static void factors_belong_to_blocks(void **state)
{
    (void)state;
    for (int64_t choice = 0; mote_resampling_name(choice); ++choice) {
        const mote_block_weights with = { weight, factor, MANY, 0 }, without = { plain, NULL, MANY, 0 };
        mote_source source = source_at(4), same = source;
        mote_resampler r;
        fill(MANY, 1.0, 1, 8);
        open_resampler(&r, choice, MANY, NULL);
        assert_status(mote_resample_weighted(&r, &source, &with, MANY, ancestor, uniform), MOTE_OK);
        assert_status(mote_resample_weighted(&r, &same, &without, MANY, expected, uniform), MOTE_OK);
        assert_same_bytes(ancestor, expected, MANY * sizeof *ancestor);
        mote_resampler_close(&r);
    }
}

static void nothing_to_draw_from(void **state)
{
    static const double bad[] = { -1, NAN, INFINITY };
    const mote_block_weights w = { plain, NULL, 2000, 0 };
    (void)state;
    for (int64_t choice = 0; mote_resampling_name(choice); ++choice) {
        mote_source source = source_at(1);
        mote_resampler r;
        open_resampler(&r, choice, 2000, NULL);
        memset(plain, 0, sizeof plain);
        assert_status(mote_resample_weighted(&r, &source, &w, 2000, ancestor, uniform), MOTE_ENUMERIC);
        for (int i = 0; i < 3; ++i) {
            plain[1999] = bad[i];
            plain[5] = 1;
            assert_status(mote_resample_weighted(&r, &source, &w, 2000, ancestor, uniform), MOTE_EINVAL);
        }
        plain[1999] = 1;
        assert_status(mote_resample_weighted(&r, &source, &w, 2001, ancestor, uniform), MOTE_EINVAL);
        assert_status(mote_resample_weighted(&r, &source, &w, 0, ancestor, uniform), MOTE_EINVAL);
        if (mote_resampling_flags(choice) & MOTE_RESAMPLING_EQUAL_COUNT)
            assert_status(mote_resample_weighted(&r, &source, &w, 1999, ancestor, uniform), MOTE_EINVAL);
        assert_int_equal(source.draw, 0);
        mote_resampler_close(&r);
    }
}

/* ---- the rest ---- */

/* Two steps: the second finds all memory that it needs. */
static void a_step_takes_no_memory(void **state)
{
    (void)state;
    for (int64_t choice = 0; mote_resampling_name(choice); ++choice) {
        test_allocator counter = { 0 };
        mote_allocator allocator = test_allocator_of(&counter);
        mote_memory counted;
        mote_resampler r;
        mote_source source = source_at(1);
        const mote_block_weights w = { weight, factor, 5000, 0 };
        int64_t slot;
        fill(5000, 1.0, 1, 1);
        mote_memory_open(&counted, &allocator);
        assert_status(mote_resampler_open(&r, choice, 5000, &counted, NULL, NULL), MOTE_OK);
        const int64_t calls = counter.calls;
        assert_status(mote_resample_weighted(&r, &source, &w, 5000, ancestor, uniform), MOTE_OK);
        if (mote_resampling_flags(choice) & MOTE_RESAMPLING_CONDITIONAL)
            assert_status(mote_resample_conditional(&r, &source, &w, 5000, 17, ancestor, &slot), MOTE_OK);
        assert_int_equal(counter.calls, calls);
        mote_resampler_close(&r);
        assert_int_equal(counter.live, 0);
    }
}

static void open_fails_cleanly(void **state)
{
    mote_message message;
    mote_resampler r;
    (void)state;
    assert_status(mote_resampler_open(&r, 99, 10, &memory, NULL, &message), MOTE_EOPTION);
    assert_status(mote_resampler_open(&r, 0, 0, &memory, NULL, &message), MOTE_EINVAL);
    assert_status(mote_resampler_open(&r, 0, (int64_t)1 << 31, &memory, NULL, &message), MOTE_EINVAL);
    for (int64_t fail_at = 1; fail_at <= 7; ++fail_at) {
        test_allocator counter = { .fail_at = fail_at };
        mote_allocator allocator = test_allocator_of(&counter);
        mote_memory counted;
        mote_memory_open(&counted, &allocator);
        assert_status(mote_resampler_open(&r, 0, 10, &counted, NULL, &message), MOTE_ENOMEM);
        assert_int_equal(counter.live, 0);
    }
    for (int64_t choice = 0; mote_resampling_name(choice); ++choice)
        assert_int_equal(mote_resampling_find(mote_resampling_name(choice)), choice);
    assert_int_equal(mote_resampling_find("systemic"), -1);
    assert_int_equal(mote_resampling_flags(-1), 0);
}

static int compare_indices(const void *a, const void *b)
{
    return (*(const int32_t *)a > *(const int32_t *)b) - (*(const int32_t *)a < *(const int32_t *)b);
}

static void survivors_keep_their_slots(void **state)
{
    (void)state;
    for (int64_t choice = 0; choice <= MOTE_RESAMPLE_KILLING; ++choice) {
        const int64_t count = choice == MOTE_RESAMPLE_KILLING ? 5000 : choice == MOTE_RESAMPLE_SSP ? 3000 : 4999;
        const mote_block_weights w = { weight, factor, 5000, 0 };
        mote_source source = source_at(9);
        mote_resampler r;
        fill(5000, 1.5, 1, 2);
        open_resampler(&r, choice == MOTE_RESAMPLE_OPTIMAL ? 0 : choice, 5000, NULL);
        assert_status(mote_resample(&r, &source, &w, count, ancestor), MOTE_OK);
        memcpy(expected, ancestor, sizeof expected);
        mote_resampler_keep_slots(&r, ancestor, count);
        for (int64_t s = 0; s < count; ++s) /* every parent that has offspring and could stay has stayed */
            if (ancestor[s] < count)
                assert_int_equal(ancestor[ancestor[s]], ancestor[s]);
        qsort(ancestor, (size_t)count, sizeof *ancestor, compare_indices);
        qsort(expected, (size_t)count, sizeof *expected, compare_indices);
        assert_same_bytes(ancestor, expected, (size_t)count * sizeof *ancestor);
        mote_resampler_close(&r);
    }
}

static void tapes_hold_resampling(void **state)
{
    (void)state;
    for (int64_t choice = 0; mote_resampling_name(choice); ++choice) {
        const mote_block_weights w = { weight, factor, 3000, 0 };
        mote_source *inner, *record, *replay;
        mote_resampler r;
        fill(3000, 1.0, 1, 3);
        open_resampler(&r, choice, 3000, NULL);
        assert_status(mote_source_open_live(&inner, 5, 0), MOTE_OK);
        assert_status(mote_source_open_record(&record, inner), MOTE_OK);
        assert_status(mote_resample_weighted(&r, record, &w, 3000, expected, uniform), MOTE_OK);
        assert_status(mote_source_open_replay(&replay, record), MOTE_OK);
        assert_status(mote_resample_weighted(&r, replay, &w, 3000, ancestor, uniform), MOTE_OK);
        assert_same_bytes(ancestor, expected, 3000 * sizeof *ancestor);
        mote_source_close(&replay);
        mote_source_close(&record);
        mote_source_close(&inner);
        mote_resampler_close(&r);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_are_the_plain_loops),
        cmocka_unit_test(weighed_blocks_are_like_any),
        cmocka_unit_test(parts_are_the_whole),
        cmocka_unit_test(parts_are_for_systematic_only),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(instruction_sets_do_not_matter),
        cmocka_unit_test(weights_of_all_sizes),
        cmocka_unit_test(small_sizes),
        cmocka_unit_test(factors_belong_to_blocks),
        cmocka_unit_test(nothing_to_draw_from),
        cmocka_unit_test(a_step_takes_no_memory),
        cmocka_unit_test(open_fails_cleanly),
        cmocka_unit_test(survivors_keep_their_slots),
        cmocka_unit_test(tapes_hold_resampling),
    };
    program = argv[0];
    if (argc == 2 && !strcmp(argv[1], "--digest")) {
        open_memory(NULL);
        printf("%llx\n", (unsigned long long)digest(NULL));
        return 0;
    }
    return cmocka_run_group_tests(tests, open_memory, NULL) == 0 ? 0 : 1;
}
