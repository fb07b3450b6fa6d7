/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every outcome of every scheme, with its probability (core/source_enumerate.c): expected offspring, what each outcome
 * may be, and the conditional forms against the law that they must have. Exact to rounding; nothing here is random. */
#include <stdlib.h>

#include "smc/alias.h"
#include "smc/resample.h"
#include "tests/support/test.h"

enum { MOST = 4, OUTCOMES = 256 }; /* particles and slots; MOST^MOST vectors of ancestors */

static const double weights[][MOST] = {
    { 1, 1, 1, 1 },          { 1, 2, 3, 4 },         { 0, 1, 0, 1 },         { 0.5, 0, 0.25, 0.25 },
    { 0, 0, 3, 0 },          { 0.1, 0.7, 0.1, 0.1 }, { 1e-300, 3e-300, 0, 2e-300 }, { 1e300, 1e290, 2e300, 0.5e300 },
    { 0.3, 0.3, 0.3, 0 },    { 7, 0.01, 0.02, 0.3 },  { 1, 1, 2, 4 },         { 2, 1, 0, 0 },
};
enum { VECTORS = sizeof weights / sizeof *weights };

static mote_memory memory;

static void open_resampler(mote_resampler *r, int64_t choice)
{
    mote_message message;
    mote_memory_open(&memory, NULL);
    assert_status(mote_resampler_open(r, choice, MOST, &memory, NULL, &message), MOTE_OK);
    r->steps = choice == MOTE_RESAMPLE_METROPOLIS ? 3 : 0;
}

/* The first n weights, divided by their sum; 0 when there is none. */
static int normalise(double *probability, const double *weight, int64_t n)
{
    double most = 0, sum = 0;
    for (int64_t i = 0; i < n; ++i)
        most = fmax(most, weight[i]);
    for (int64_t i = 0; i < n && most > 0; ++i)
        sum += weight[i] / most;
    for (int64_t i = 0; i < n && most > 0; ++i)
        probability[i] = weight[i] / most / sum;
    return most > 0;
}

static int64_t number_of(const int32_t *ancestor, int64_t n, int64_t count)
{
    int64_t number = 0;
    for (int64_t s = 0; s < count; ++s)
        number = number * n + ancestor[s];
    return number;
}

static int32_t digit(int64_t number, int64_t n, int64_t count, int64_t s)
{
    for (int64_t k = count - 1; k > s; --k)
        number /= n;
    return (int32_t)(number % n);
}

/* law[number of A] = P(A) */
static void unconditional(double *law, int64_t choice, const double *weight, int64_t n, int64_t count)
{
    const mote_block_weights w = { weight, NULL, n, 0 };
    mote_resampler r;
    mote_source *source;
    int32_t ancestor[MOST];
    open_resampler(&r, choice);
    memset(law, 0, OUTCOMES * sizeof *law);
    assert_status(mote_source_open_enumerate(&source), MOTE_OK);
    while (mote_source_enumerate_next(source)) {
        assert_status(mote_resample(&r, source, &w, count, ancestor), MOTE_OK);
        for (int64_t s = 0; s < count; ++s)
            assert_true(ancestor[s] >= 0 && ancestor[s] < n);
        law[number_of(ancestor, n, count)] += mote_source_enumerate_weight(source);
    }
    assert_status(mote_source_status(source), MOTE_OK);
    mote_source_close(&source);
    mote_resampler_close(&r);
}

/* law[K][number of A] */
static void conditional(double (*law)[OUTCOMES], int64_t choice, const double *weight, int64_t n, int64_t count,
                        int64_t k)
{
    const mote_block_weights w = { weight, NULL, n, 0 };
    mote_resampler r;
    mote_source *source;
    int32_t ancestor[MOST];
    int64_t slot;
    open_resampler(&r, choice);
    memset(law, 0, MOST * sizeof *law);
    assert_status(mote_source_open_enumerate(&source), MOTE_OK);
    while (mote_source_enumerate_next(source)) {
        assert_status(mote_resample_conditional(&r, source, &w, count, k, ancestor, &slot), MOTE_OK);
        assert_in_range(slot, 0, count - 1);
        assert_int_equal(ancestor[slot], k);
        law[slot][number_of(ancestor, n, count)] += mote_source_enumerate_weight(source);
    }
    assert_status(mote_source_status(source), MOTE_OK);
    mote_source_close(&source);
    mote_resampler_close(&r);
}

/* Every (vector, n, count) that a scheme can take. */
static void each_case(int64_t choice, void (*check)(int64_t choice, const double *weight, const double *probability,
                                                    int64_t n, int64_t count))
{
    double probability[MOST];
    for (int64_t v = 0; v < VECTORS; ++v)
        for (int64_t n = 1; n <= MOST; ++n)
            for (int64_t count = 1; count <= MOST && normalise(probability, weights[v], n); ++count)
                if (n == count || !(mote_resampling_flags(choice) & MOTE_RESAMPLING_EQUAL_COUNT))
                    check(choice, weights[v], probability, n, count);
}

/* ---- expected offspring ---- */

static int64_t offspring(int64_t number, int64_t n, int64_t count, int64_t i)
{
    int64_t found = 0;
    for (int64_t s = 0; s < count; ++s)
        found += digit(number, n, count, s) == i;
    return found;
}

static void check_mean(int64_t choice, const double *weight, const double *probability, int64_t n, int64_t count)
{
    double law[OUTCOMES], total = 0, mean[MOST] = { 0 };
    unconditional(law, choice, weight, n, count);
    for (int64_t a = 0; a < OUTCOMES; ++a) {
        total += law[a];
        for (int64_t i = 0; i < n && law[a] > 0; ++i)
            mean[i] += law[a] * (double)offspring(a, n, count, i);
    }
    assert_close(total, 1.0, 1e-12, 0);
    for (int64_t i = 0; i < n; ++i)
        assert_close(mean[i], (double)count * probability[i], 0, 1e-12);
}

static void offspring_have_their_mean(void **state)
{
    (void)state;
    for (int64_t choice = 0; mote_resampling_name(choice); ++choice)
        if (mote_resampling_flags(choice) & MOTE_RESAMPLING_UNBIASED &&
            !(mote_resampling_flags(choice) & MOTE_RESAMPLING_WEIGHTED))
            each_case(choice, check_mean);
}

/* ---- what each outcome may be ---- */

static void check_rounding(int64_t choice, const double *weight, const double *probability, int64_t n, int64_t count)
{
    double law[OUTCOMES];
    unconditional(law, choice, weight, n, count);
    for (int64_t a = 0; a < OUTCOMES; ++a)
        for (int64_t i = 0; i < n && law[a] > 1e-13; ++i) {
            const double expected = (double)count * probability[i], got = (double)offspring(a, n, count, i);
            assert_true(got > expected - 1 - 1e-12);
            if (choice != MOTE_RESAMPLE_RESIDUAL)
                assert_true(got < expected + 1 + 1e-12);
            if (probability[i] == 0)
                assert_true(got == 0);
            if (fabs(expected - round(expected)) < 1e-14 && choice != MOTE_RESAMPLE_RESIDUAL)
                assert_true(got == round(expected));
            assert_true(got >= floor(expected - 1e-12));
        }
}

static void counts_are_rounded(void **state)
{
    (void)state;
    each_case(MOTE_RESAMPLE_SYSTEMATIC, check_rounding);
    each_case(MOTE_RESAMPLE_SSP, check_rounding);
    each_case(MOTE_RESAMPLE_RESIDUAL, check_rounding);
    each_case(MOTE_RESAMPLE_MINIMUM_ERROR, check_rounding);
}

static void check_order(int64_t choice, const double *weight, const double *probability, int64_t n, int64_t count)
{
    double law[OUTCOMES];
    (void)probability;
    unconditional(law, choice, weight, n, count);
    for (int64_t a = 0; a < OUTCOMES; ++a)
        for (int64_t s = 1; s < count && law[a] > 0; ++s)
            assert_true(digit(a, n, count, s) >= digit(a, n, count, s - 1));
}

static void ordered_schemes_ascend(void **state)
{
    (void)state;
    for (int64_t choice = 0; mote_resampling_name(choice); ++choice)
        if (mote_resampling_flags(choice) & MOTE_RESAMPLING_ORDERED &&
            !(mote_resampling_flags(choice) & MOTE_RESAMPLING_WEIGHTED))
            each_case(choice, check_order);
}

/* Largest remainders, ties to the first, by hand. */
static void minimum_error_by_hand(void **state)
{
    double law[OUTCOMES];
    (void)state;
    unconditional(law, MOTE_RESAMPLE_MINIMUM_ERROR, (const double[]){ 1, 2, 3, 4 }, 4, 4); /* 0.4 0.8 1.2 1.6 */
    assert_true(law[number_of((const int32_t[]){ 1, 2, 3, 3 }, 4, 4)] == 1.0);
    unconditional(law, MOTE_RESAMPLE_MINIMUM_ERROR, (const double[]){ 1, 1, 1, 1 }, 4, 3); /* 0.75 each */
    assert_true(law[number_of((const int32_t[]){ 0, 1, 2 }, 4, 3)] == 1.0);
}

/* ---- laws in closed form ---- */

static void check_multinomial(int64_t choice, const double *weight, const double *probability, int64_t n, int64_t count)
{
    double law[OUTCOMES], expected[OUTCOMES] = { 0 };
    int64_t outcomes = 1;
    unconditional(law, choice, weight, n, count);
    for (int64_t s = 0; s < count; ++s)
        outcomes *= n;
    for (int64_t a = 0; a < outcomes; ++a) { /* independent draws, then sorted */
        double product = 1;
        int32_t sorted[MOST];
        int64_t placed = 0;
        for (int64_t s = 0; s < count; ++s)
            product *= probability[digit(a, n, count, s)];
        for (int32_t i = 0; i < n; ++i)
            for (int64_t m = offspring(a, n, count, i); m > 0; --m)
                sorted[placed++] = i;
        expected[number_of(sorted, n, count)] += product;
    }
    for (int64_t a = 0; a < outcomes; ++a)
        assert_close(law[a], expected[a], 0, 1e-12);
}

static void multinomial_is_independent_draws(void **state)
{
    (void)state;
    each_case(MOTE_RESAMPLE_MULTINOMIAL, check_multinomial);
}

/* P(A_i = k) = [i = k] W_k / max W + (1 - W_i / max W) W_k, slots independent. */
static void check_killing(int64_t choice, const double *weight, const double *probability, int64_t n, int64_t count)
{
    double law[OUTCOMES], most = 0;
    int64_t outcomes = 1;
    unconditional(law, choice, weight, n, count);
    for (int64_t i = 0; i < n; ++i) {
        most = fmax(most, probability[i]);
        outcomes *= n;
    }
    for (int64_t a = 0; a < outcomes; ++a) {
        double product = 1;
        for (int64_t s = 0; s < n; ++s) {
            const int64_t k = digit(a, n, n, s);
            product *= (s == k) * probability[k] / most + (1 - probability[s] / most) * probability[k];
        }
        assert_close(law[a], product, 0, 1e-12);
    }
}

static void killing_and_rejection_have_their_law(void **state)
{
    (void)state;
    each_case(MOTE_RESAMPLE_KILLING, check_killing);
    each_case(MOTE_RESAMPLE_REJECTION, check_killing);
}

/* Paths of three proposals, summed one by one. */
static double metropolis_paths(const double *weight, int64_t n, int64_t at, int64_t to, int64_t steps)
{
    double sum = 0;
    if (!steps)
        return at == to;
    for (int64_t j = 0; j < n; ++j) {
        const double moves = weight[j] >= weight[at] ? 1 : weight[j] / weight[at];
        sum += (moves * metropolis_paths(weight, n, j, to, steps - 1) +
                (1 - moves) * metropolis_paths(weight, n, at, to, steps - 1)) / (double)n;
    }
    return sum;
}

static void check_metropolis(int64_t choice, const double *weight, const double *probability, int64_t n, int64_t count)
{
    double law[OUTCOMES], p[MOST][MOST];
    int64_t outcomes = 1;
    unconditional(law, choice, weight, n, count);
    for (int64_t i = 0; i < n; ++i) {
        outcomes *= n;
        for (int64_t k = 0; k < n; ++k)
            p[i][k] = metropolis_paths(probability, n, i, k, 3);
    }
    for (int64_t a = 0; a < outcomes; ++a) {
        double product = 1;
        for (int64_t s = 0; s < n; ++s)
            product *= p[s][digit(a, n, n, s)];
        assert_close(law[a], product, 0, 1e-12);
    }
}

static void metropolis_has_its_finite_law(void **state)
{
    (void)state;
    each_case(MOTE_RESAMPLE_METROPOLIS, check_metropolis);
}

/* ---- conditional forms ---- */

/* P(K, A | k) = P(A) [A_K = k] / (count W_k); averaged over k ~ W: A has its law and K is uniform. */
static void check_conditional(int64_t choice, const double *weight, const double *probability, int64_t n, int64_t count)
{
    static double law[MOST][OUTCOMES], average[OUTCOMES];
    double plain[OUTCOMES], slots[MOST] = { 0 };
    unconditional(plain, choice, weight, n, count);
    memset(average, 0, sizeof average);
    for (int64_t k = 0; k < n; ++k) {
        if (!(probability[k] > 1e-9))
            continue;
        conditional(law, choice, weight, n, count, k);
        for (int64_t slot = 0; slot < count; ++slot)
            for (int64_t a = 0; a < OUTCOMES; ++a) {
                const double share = digit(a, n, count, slot) == k ? plain[a] / ((double)count * probability[k]) : 0;
                assert_close(law[slot][a], share, 0, 1e-12);
                average[a] += probability[k] * law[slot][a];
                slots[slot] += probability[k] * law[slot][a];
            }
    }
    for (int64_t a = 0; a < OUTCOMES; ++a)
        assert_close(average[a], plain[a], 0, 2e-9);
    for (int64_t slot = 0; slot < count; ++slot)
        assert_close(slots[slot], 1.0 / (double)count, 0, 2e-9);
}

static void conditional_forms_are_exact(void **state)
{
    (void)state;
    for (int64_t choice = 0; mote_resampling_name(choice); ++choice)
        if (mote_resampling_flags(choice) & MOTE_RESAMPLING_CONDITIONAL)
            each_case(choice, check_conditional);
}

/* Where k's weight is zero in whole numbers, the law is that of a very small weight: k has one slot, others are drawn.
 * */
static void conditional_on_nothing(void **state)
{
    const double dead[MOST] = { 1, 2.5, 0, 3 }, small[MOST] = { 1, 2.5, 1e-9, 3 };
    static double law[MOST][OUTCOMES], near[MOST][OUTCOMES];
    (void)state;
    for (int64_t choice = 0; mote_resampling_name(choice); ++choice) {
        if (!(mote_resampling_flags(choice) & MOTE_RESAMPLING_CONDITIONAL))
            continue;
        conditional(law, choice, dead, MOST, MOST, 2);
        conditional(near, choice, small, MOST, MOST, 2);
        for (int64_t slot = 0; slot < MOST; ++slot)
            for (int64_t a = 0; a < OUTCOMES; ++a)
                assert_close(law[slot][a], near[slot][a], 0, 1e-7);
    }
}

static void biased_schemes_refuse_by_name(void **state)
{
    const int64_t refused[] = { MOTE_RESAMPLE_OPTIMAL, MOTE_RESAMPLE_METROPOLIS, MOTE_RESAMPLE_MINIMUM_ERROR };
    const mote_block_weights w = { weights[0], NULL, MOST, 0 };
    mote_source source = mote_source_live(1);
    mote_message message;
    int32_t ancestor[MOST];
    int64_t slot;
    (void)state;
    for (int i = 0; i < 3; ++i) {
        mote_resampler r;
        open_resampler(&r, refused[i]);
        assert_status(mote_resample_conditional(&r, &source, &w, MOST, 0, ancestor, &slot), MOTE_EUNSUPPORTED);
        mote_resampler_close(&r);
        assert_status(mote_resampling_require(refused[i], MOTE_RESAMPLING_CONDITIONAL, 0, &message), MOTE_EUNSUPPORTED);
        assert_non_null(strstr(message.text, mote_resampling_name(refused[i])));
        assert_non_null(strstr(message.text, "conditional"));
    }
    assert_status(mote_resampling_require(MOTE_RESAMPLE_METROPOLIS, MOTE_RESAMPLING_UNBIASED, 0, &message),
                  MOTE_EUNSUPPORTED);
    assert_non_null(strstr(message.text, "metropolis is biased"));
    assert_status(mote_resampling_require(MOTE_RESAMPLE_SSP, MOTE_RESAMPLING_CONDITIONAL | MOTE_RESAMPLING_UNBIASED,
                                          MOTE_RESAMPLING_WEIGHTED, &message), MOTE_OK);
    assert_status(mote_resampling_require(99, 0, 0, &message), MOTE_EOPTION);
}

/* ---- optimal ---- */

static void check_optimal(int64_t choice, const double *weight, const double *probability, int64_t n, int64_t count)
{
    const mote_block_weights w = { weight, NULL, n, 0 };
    double mean[MOST] = { 0 }, output[MOST], total = 0;
    mote_resampler r;
    mote_source *source;
    int32_t ancestor[MOST];
    open_resampler(&r, choice);
    assert_status(mote_source_open_enumerate(&source), MOTE_OK);
    while (mote_source_enumerate_next(source)) {
        int64_t copies[MOST] = { 0 };
        double sum = 0;
        assert_status(mote_resample_weighted(&r, source, &w, count, ancestor, output), MOTE_OK);
        const double p = mote_source_enumerate_weight(source);
        total += p;
        for (int64_t s = 0; s < count; ++s) {
            mean[ancestor[s]] += p * output[s];
            sum += output[s];
            copies[ancestor[s]] += output[s] > 0;
            assert_true(s == 0 || ancestor[s] >= ancestor[s - 1]);
        }
        assert_close(sum, 1.0, 1e-12, 0);
        for (int64_t i = 0; i < n && p > 1e-13; ++i)
            assert_true(copies[i] <= 1);
    }
    assert_close(total, 1.0, 1e-12, 0);
    for (int64_t i = 0; i < n; ++i)
        assert_close(mean[i], probability[i], 0, 1e-12);
    mote_source_close(&source);
    mote_resampler_close(&r);
}

static void optimal_is_unbiased_in_weight(void **state)
{
    (void)state;
    each_case(MOTE_RESAMPLE_OPTIMAL, check_optimal);
}

/* ---- alias table ---- */

static void alias_table_has_its_law(void **state)
{
    (void)state;
    mote_memory_open(&memory, NULL);
    for (int64_t v = 0; v < VECTORS; ++v)
        for (int64_t n = 1; n <= MOST; ++n) {
            double probability[MOST], table_law[MOST] = { 0 }, law[MOST] = { 0 };
            mote_alias table;
            mote_source *source;
            if (!normalise(probability, weights[v], n))
                continue;
            assert_status(mote_alias_open(&table, n, &memory), MOTE_OK);
            assert_status(mote_alias_build(&table, weights[v], n), MOTE_OK);
            for (int64_t cell = 0; cell < n; ++cell) {
                const double own = (double)table.cut[cell] / 0x1p64;
                table_law[cell] += own / (double)n;
                table_law[table.other[cell]] += (1 - own) / (double)n;
            }
            assert_status(mote_source_open_enumerate(&source), MOTE_OK);
            while (mote_source_enumerate_next(source)) {
                int64_t drawn = mote_alias_draw(&table, source);
                law[drawn] += mote_source_enumerate_weight(source);
            }
            for (int64_t i = 0; i < n; ++i) {
                assert_close(table_law[i], probability[i], 0, 1e-15);
                assert_true((probability[i] == 0) == (table_law[i] == 0));
                assert_close(law[i], probability[i], 0, 1e-15);
            }
            mote_source_close(&source);
            mote_alias_close(&table);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offspring_have_their_mean),
        cmocka_unit_test(counts_are_rounded),
        cmocka_unit_test(ordered_schemes_ascend),
        cmocka_unit_test(minimum_error_by_hand),
        cmocka_unit_test(multinomial_is_independent_draws),
        cmocka_unit_test(killing_and_rejection_have_their_law),
        cmocka_unit_test(metropolis_has_its_finite_law),
        cmocka_unit_test(conditional_forms_are_exact),
        cmocka_unit_test(conditional_on_nothing),
        cmocka_unit_test(biased_schemes_refuse_by_name),
        cmocka_unit_test(optimal_is_unbiased_in_weight),
        cmocka_unit_test(alias_table_has_its_law),
    };
    return run_unit_tests(tests);
}
