/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Evidence, weights and their errors (Skilling 2006, Bayesian Analysis 1, 833; plateaus: Fowlie, Handley & Su 2021,
 * arXiv:2010.13884): see nested/evidence.h for the sums and nested/volumes.h for the form they are summed in.
 *
 *     simulate K times:  log X_i - E log X_i = sum_{j <= i} (1 - E_j)/n_j,  E_j exponential of mean 1
 *                        z = Z/Z(mean volumes);  add y_i/z to the mean of X_i/Z
 *     weight of point i: L_i times its share of volume, half of the gap above and half of the gap below it (all of
 *                        the gap above in a plateau; the first point has all above it, the last all below it)
 *
 * The error over simulations is close to sqrt(H/n); mean weights sum to 1 as they do in every realisation.
 * Known answer: a constant likelihood gives log L exactly, error and information 0. */
#include "nested/evidence.h"

#include <math.h>
#include <mote/draws.h>

#include "core/vector.h"
#include "nested/volumes.h"

/* 1 - e^-a for a > 0 without cancellation (Kahan's correction). */
static double one_minus_exp(double a)
{
    double u = mote_exp(-a);
    return u == 1 ? a : u == 0 ? 1 : (1 - u) * (a / -mote_log(u));
}

/* A volume share from the relative sizes of the gap above and of the one below a point. */
static double share(const mote_deaths *deaths, int64_t i, double above, double below)
{
    int whole_above, whole_below = 0;
    mote_volumes_log_height(deaths, i, &whole_above);
    if (i + 1 == deaths->n)
        return (whole_above ? above : above / 2) + below;
    mote_volumes_log_height(deaths, i + 1, &whole_below);
    return (whole_above ? above : above / 2) + (whole_below ? 0 : below / 2);
}

/* log of L_i times the share of point i at mean volumes. */
static double mean_weight(const mote_deaths *deaths, int64_t i, double log_x_above)
{
    double inverse = 1 / deaths->live_count[i];
    double below = i + 1 < deaths->n ? one_minus_exp(1 / deaths->live_count[i + 1]) : 1;
    double volume = share(deaths, i, one_minus_exp(inverse), mote_exp(-inverse) * below);
    return deaths->log_likelihood[i] + log_x_above + mote_log(volume);
}

double mote_evidence_mean(const mote_deaths *deaths, double *log_weight)
{
    double log_x = 0, log_z = -INFINITY, before = -INFINITY;
    for (int64_t i = 0; i < deaths->n; ++i) {
        double height = mote_volumes_log_height(deaths, i, NULL);
        double step = height > before ? mote_log_subtract(height, before) : -INFINITY;
        log_z = mote_log_add(log_z, log_x + step);
        if (log_weight)
            log_weight[i] = mean_weight(deaths, i, log_x);
        log_x -= 1 / deaths->live_count[i];
        before = height;
    }
    double last = deaths->n ? deaths->log_likelihood[deaths->n - 1] : -INFINITY;
    if (last > before)
        log_z = mote_log_add(log_z, log_x + mote_log_subtract(last, before));
    for (int64_t i = 0; log_weight && i < deaths->n; ++i)
        log_weight[i] = log_z == -INFINITY ? -INFINITY : log_weight[i] - log_z;
    return log_z;
}

/* One realisation of the volumes: fills volumes->ratio and returns Z in units of Z at mean volumes. */
static double realise(mote_volumes *volumes, const mote_source *source, uint32_t k, int *status)
{
    int64_t n = volumes->deaths->n;
    double deviation = 0, z = volumes->first;
    for (int64_t begin = 0; begin < n; begin += MOTE_VOLUME_BLOCK) {
        int64_t size = n - begin < MOTE_VOLUME_BLOCK ? n - begin : MOTE_VOLUME_BLOCK;
        const double *inverse = volumes->inverse + begin;
        double *ratio = volumes->ratio + begin;
        mote_source at = mote_source_at(source, MOTE_PURPOSE_VOLUME, k, begin);
        mote_exponentials(&at, ratio, size);
        if (at.status)
            *status = at.status;
        for (int64_t i = 0; i < size; ++i)
            ratio[i] = deviation += (1 - ratio[i]) * inverse[i];
        z += mote_volumes_gain(volumes, begin, size);
    }
    return z;
}

/* mean[i] receives the mean of y_i/z, mean_above that of 1/z (X_0 = 1). */
static int simulate(mote_volumes *volumes, const mote_source *source, int64_t simulations, double *mean,
                    double *mean_above, mote_evidence *evidence)
{
    mote_spread spread = { 0 };
    int status = MOTE_OK;
    for (int64_t i = 0; i < volumes->deaths->n; ++i)
        mean[i] = 0;
    *mean_above = 0;
    for (int64_t k = 0; k < simulations && !status; ++k) {
        double z = realise(volumes, source, (uint32_t)k, &status), part = 1 / (z * (double)simulations);
        for (int64_t i = 0; i < volumes->deaths->n; ++i)
            mean[i] += volumes->ratio[i] * part;
        *mean_above += part;
        mote_spread_add(&spread, mote_log(z));
    }
    evidence->log_evidence = volumes->log_z + spread.mean;
    evidence->error_simulated = mote_spread_sd(&spread);
    return status;
}

/* log Z of size 1e300 has room for log L but not for log X beside it: then the sum of the weights shows what was lost. */
static void settle_sum(double *log_weight, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; ++i)
        sum += mote_exp(log_weight[i]);
    if (!(fabs(sum - 1) > 1e-9) || !(sum > 0 && sum < INFINITY))
        return;
    for (int64_t i = 0; i < n; ++i)
        log_weight[i] -= mote_log(sum);
}

/* From means of X_i/Z to log-weights, in place: gaps are differences of neighbours, relative to the volume above. */
static void weigh(const mote_volumes *volumes, double *mean, double mean_above)
{
    const mote_deaths *deaths = volumes->deaths;
    double log_x = 0, above = mean_above;
    for (int64_t i = 0; i < deaths->n; ++i) {
        double kept = mote_exp(-volumes->inverse[i]), here = mean[i];
        double next = i + 1 < deaths->n ? mean[i + 1] * mote_exp(-volumes->inverse[i + 1]) : 0;
        double volume = share(deaths, i, above - here * kept, kept * (here - next));
        mean[i] = deaths->log_likelihood[i] - volumes->log_z + (log_x + (volume > 0 ? mote_log(volume) : -INFINITY));
        log_x = volumes->log_mean[i];
        above = here;
    }
    settle_sum(mean, deaths->n);
}

/* Information and Kish's effective sample size from the mean normalised weights. */
static void summarise(const mote_deaths *deaths, const double *log_weight, mote_evidence *evidence)
{
    double squares = 0, information = 0, sum = 0;
    for (int64_t i = 0; i < deaths->n; ++i) {
        double p = mote_exp(log_weight[i]);
        if (p == 0)
            continue;
        sum += p;
        squares += p * p;
        information += p * (deaths->log_likelihood[i] - evidence->log_evidence);
    }
    evidence->information = information;
    evidence->effective_sample_size = sum * sum / squares;
}

/* Share of Z in the final live points, and what may still hide above them. When they are all equal nothing was seen
 * to rise, and the plateau's evidence is known as well as its volume. */
static void look_at_tail(const mote_deaths *deaths, const double *log_weight, mote_evidence *evidence)
{
    int64_t live = deaths->live < deaths->n ? deaths->live : deaths->n, begin = deaths->n - live;
    double remaining = 0;
    for (int64_t i = begin; i < deaths->n; ++i)
        remaining += mote_exp(log_weight[i]);
    evidence->remaining = remaining < 1 ? remaining : 1;
    int flat = live == 0 || deaths->log_likelihood[begin] == deaths->log_likelihood[deaths->n - 1];
    evidence->error_tail = flat ? 0 : log1p(evidence->remaining);
}

static int evaluate(mote_volumes *volumes, const mote_source *source, int64_t simulations, int64_t bootstraps,
                    const mote_memory *memory, double *log_weight, const double *thread, int64_t threads,
                    mote_evidence *evidence)
{
    double mean_above;
    int status = mote_volumes_open(volumes, volumes->deaths, memory);
    if (!status)
        status = simulate(volumes, source, simulations, log_weight, &mean_above, evidence);
    if (status)
        return status;
    weigh(volumes, log_weight, mean_above);
    summarise(volumes->deaths, log_weight, evidence);
    return mote_bootstrap(volumes, thread, threads, source, bootstraps, memory, &evidence->error_bootstrap,
                          &evidence->half_difference);
}

int mote_evidence_compute(const mote_deaths *deaths, const mote_source *source, int64_t simulations,
                          int64_t bootstraps, const mote_memory *memory, double *log_weight, double *thread,
                          mote_evidence *evidence)
{
    mote_volumes volumes = { .deaths = deaths };
    int64_t threads = 0;
    *evidence = (mote_evidence){ .log_evidence = -INFINITY, .information = NAN, .half_difference = NAN };
    if (simulations < 2 || bootstraps < 2)
        return MOTE_EINVAL;
    int status = mote_evidence_threads(deaths, memory, thread, &threads);
    if (status || mote_evidence_mean(deaths, log_weight) == -INFINITY)
        return status;
    look_at_tail(deaths, log_weight, evidence);
    status = evaluate(&volumes, source, simulations, bootstraps, memory, log_weight, thread, threads, evidence);
    mote_volumes_close(&volumes, memory);
    return status;
}

void mote_running_evidence_start(mote_running_evidence *running)
{
    *running = (mote_running_evidence){ .log_z = -INFINITY, .log_z2 = -INFINITY, .last = NAN };
}

/* Skilling's update of Z and H, section 6 of the paper, with the same heights as the final sum but for the gap before
 * a plateau, which cannot be known yet: half of 1/n of that plateau's evidence, for a stop rule. */
void mote_running_evidence_add(mote_running_evidence *running, double log_likelihood, double live_count)
{
    double last = running->last, height = log_likelihood;
    if (!isnan(last) && last != log_likelihood)
        height = mote_log_add(last, log_likelihood) + mote_log(0.5);
    double gain = running->log_x + mote_log(one_minus_exp(1 / live_count)) + height;
    if (gain > -INFINITY) {
        double log_z = mote_log_add(running->log_z, gain), before = mote_exp(running->log_z - log_z);
        double old = before > 0 ? before * (running->information + running->log_z) : 0;
        running->information = mote_exp(gain - log_z) * height + old - log_z;
        running->log_z = log_z;
        running->log_z2 = mote_log_add(running->log_z2, 2 * gain);
    }
    running->log_x -= 1 / live_count;
    running->last = log_likelihood;
    ++running->deaths;
}
