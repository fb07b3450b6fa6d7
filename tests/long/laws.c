/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/long/laws.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/long/sequential.h"

law_entry *law_add(law_list *list, const char *format, ...)
{
    va_list arguments;
    if (!list->item)
        list->item = calloc(LAW_MOST, sizeof *list->item);
    if (!list->item || list->count == LAW_MOST)
        return NULL;
    law_entry *self = &list->item[list->count++];
    va_start(arguments, format);
    vsnprintf(self->name, sizeof self->name, format, arguments);
    va_end(arguments);
    self->bias = 1;
    return self;
}

double law_limit(void)
{
    return gsl_cdf_ugaussian_Qinv(sequential_alpha / (2.0 * SEQUENTIAL_LOOKS * SEQUENTIAL_NUMBERS));
}

double law_chi_square_z(double statistic, double degrees)
{
    const double p = gsl_cdf_chisq_Q(statistic, degrees);
    if (p > 1e-300)
        return gsl_cdf_ugaussian_Qinv(p);
    const double a = 2 / (9 * degrees); /* Wilson and Hilferty, where the tail underflows */
    return (cbrt(statistic / degrees) - (1 - a)) / sqrt(a);
}

/* ---- one law ---- */

typedef struct watched {
    sequential x, planted;
} watched;

/* 1: rejected, or all planted ones seen. */
static int look(watched *w, int numbers, law_result *result)
{
    int seen = 1;
    result->worst = 0;
    for (int k = 0; k < numbers; ++k) {
        if (sequential_look(&w[k].x)) {
            snprintf(result->note, sizeof result->note, "number %d: mean %.4g +- %.2g", k, w[k].x.mean,
                     sequential_error(&w[k].x));
            result->ok = 0;
            seen = 1;
        }
        result->worst = fmax(result->worst, fabs(sequential_t(&w[k].x)));
        result->limit = sequential_limit(w[k].x.n);
        seen &= sequential_look(&w[k].planted);
        result->seen = w[k].planted.rejected_at > result->seen ? w[k].planted.rejected_at : result->seen;
    }
    if (!seen && result->ok)
        result->seen = 0;
    return seen || !result->ok;
}

static int follow(const law_entry *self, void *state, double bias, law_result *result)
{
    watched w[LAW_NUMBERS] = { 0 };
    double x[LAW_NUMBERS], planted[LAW_NUMBERS];
    int64_t next = self->first;
    for (int64_t r = 0; r < self->most; ++r) {
        if (self->replicate(self, state, r, bias, x, planted))
            return -1;
        for (int k = 0; k < self->numbers; ++k) {
            sequential_add(&w[k].x, x[k]);
            sequential_add(&w[k].planted, planted[k]);
        }
        result->replicates = r + 1;
        if (r + 1 < next && r + 1 < self->most)
            continue;
        next = sequential_next(next);
        if (look(w, self->numbers, result))
            return 0;
    }
    for (int k = 0; k < self->numbers; ++k)
        if (!w[k].planted.rejected_at) {
            snprintf(result->note, sizeof result->note, "%s: blind, error %.2g", self->number[k],
                     sequential_error(&w[k].x));
            result->ok = 0;
        }
    return 0;
}

static int run_law(const law_entry *self, double bias, law_result *result)
{
    *result = (law_result){ .ok = 1, .bias = bias * self->bias };
    if (self->judge)
        return self->judge(self, bias * self->bias, result);
    void *state = calloc(1, self->state_size ? self->state_size : 1);
    int status = state ? self->open(self, state) : -1;
    if (!status)
        status = follow(self, state, bias * self->bias, result);
    if (state)
        self->close(state);
    free(state);
    return status;
}

/* ---- lines ---- */

typedef struct campaign {
    char path[512], stamp[160];
    double bias;
    int jobs;
    const char *only;
} campaign;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void write_line(const campaign *c, const law_entry *self, const law_result *r, double seconds)
{
    char line[600];
    const int n = snprintf(line, sizeof line, "%s\t%d\t%lld\t%lld\t%.3f\t%.3f\t%.4f\t%.1f\t%s\n", self->name, r->ok,
                           (long long)r->replicates, (long long)r->seen, r->worst, r->limit, r->bias, seconds, r->note);
    FILE *file = fopen(c->path, "a");
    if (file) {
        fwrite(line, 1, (size_t)n, file);
        fclose(file);
    }
    printf("%s - %s: %lld replicates, statistic %.2f of %.2f, planted %.3g seen at %lld, %.1f s %s\n",
           r->ok ? "ok" : "not ok", self->name, (long long)r->replicates, r->worst, r->limit, r->bias,
           (long long)r->seen, seconds, r->note);
    fflush(stdout);
}

static int has_line(const campaign *c, const char *name)
{
    char line[600];
    int found = 0;
    const size_t length = strlen(name);
    FILE *file = fopen(c->path, "r");
    while (file && !found && fgets(line, sizeof line, file))
        found = !strncmp(line, name, length) && line[length] == '\t';
    if (file)
        fclose(file);
    return found;
}

/* Lines of another build go aside. */
static int open_file(campaign *c, const char *folder, const char *program)
{
    struct stat about;
    char line[600] = "", aside[600];
    if (mkdir(folder, 0777) && errno != EEXIST)
        return -1;
    snprintf(c->path, sizeof c->path, "%s/smc_laws.txt", folder);
    if (stat(program, &about))
        return -1;
    snprintf(c->stamp, sizeof c->stamp, "# laws, bias %g, program of %lld bytes and second %lld\n", c->bias,
             (long long)about.st_size, (long long)about.st_mtime);
    FILE *file = fopen(c->path, "r");
    if (file && fgets(line, sizeof line, file) && strcmp(line, c->stamp)) {
        snprintf(aside, sizeof aside, "%s.%lld", c->path, (long long)time(NULL));
        rename(c->path, aside);
        *line = '\0';
    }
    if (file)
        fclose(file);
    if (*line)
        return 0;
    file = fopen(c->path, "w");
    if (!file)
        return -1;
    fputs(c->stamp, file);
    return fclose(file);
}

/* ---- all laws ---- */

static void child(const campaign *c, const law_entry *self)
{
    law_result result;
    const double start = now();
    const int status = run_law(self, c->bias, &result);
    if (status) {
        result.ok = 0;
        snprintf(result.note, sizeof result.note, "could not be run");
    }
    write_line(c, self, &result, now() - start);
    _exit(0);
}

static int wanted(const campaign *c, const law_entry *self)
{
    return !c->only || !strncmp(self->name, c->only, strlen(c->only));
}

static void work_off(const campaign *c, const law_list *list)
{
    int running = 0;
    for (int64_t i = 0; i < list->count; ++i) {
        if (!wanted(c, &list->item[i]) || has_line(c, list->item[i].name))
            continue;
        if (running == c->jobs)
            running -= wait(NULL) > 0;
        fflush(NULL);
        const pid_t pid = fork();
        if (pid == 0)
            child(c, &list->item[i]);
        running += pid > 0;
    }
    while (running-- > 0)
        wait(NULL);
}

/* Per subject, which is a name up to its first comma: a row of the manual's table. */
static int report(const campaign *c, const law_list *list)
{
    char line[600], name[LAW_NAME], subject[LAW_NAME] = "", now_at[LAW_NAME];
    int failed = 0, missing = 0;
    for (int64_t i = 0; i < list->count; ++i)
        if (wanted(c, &list->item[i]) && !has_line(c, list->item[i].name)) {
            printf("not ok - %s has no line\n", list->item[i].name);
            ++missing;
        }
    printf("\n%-28s %5s %4s %12s %10s %7s %7s %8s\n", "subject", "laws", "ok", "replicates", "seen at", "bias", "worst",
           "CPU s");
    for (int64_t i = 0; i < list->count; ++i) {
        snprintf(now_at, sizeof now_at, "%.*s", (int)strcspn(list->item[i].name, ","), list->item[i].name);
        if (!wanted(c, &list->item[i]) || !strcmp(now_at, subject))
            continue;
        strcpy(subject, now_at);
        double worst = 0, seconds = 0, least = 1e9, most = 0;
        long long laws = 0, ok = 0, replicates = 0, seen = 0;
        FILE *file = fopen(c->path, "r");
        while (file && fgets(line, sizeof line, file)) {
            int good;
            long long n, s;
            double w, l, b, cpu;
            if (sscanf(line, "%95[^\t]\t%d\t%lld\t%lld\t%lf\t%lf\t%lf\t%lf", name, &good, &n, &s, &w, &l, &b, &cpu) !=
                    8 ||
                strncmp(name, subject, strlen(subject)) || (name[strlen(subject)] != ',' && name[strlen(subject)]))
                continue;
            ++laws, ok += good, replicates += n, seconds += cpu;
            seen = s > seen ? s : seen;
            worst = fmax(worst, w / l), least = fmin(least, b), most = fmax(most, b);
        }
        if (file)
            fclose(file);
        failed += ok < laws;
        printf("%-28s %5lld %4lld %12lld %10lld %3.2g-%-3.2g %7.2f %8.0f\n", subject, laws, ok, replicates, seen, least,
               most, worst, seconds);
    }
    printf("worst: the largest statistic as a share of where it is rejected\n");
    return failed || missing;
}

int law_main(law_list *list, int count, char **arguments)
{
    const char *folder = "campaigns", *jobs = getenv("MOTE_CAMPAIGN_JOBS"), *bias = getenv("MOTE_LAWS_BIAS");
    campaign c = { .bias = bias ? atof(bias) : 0.02, .jobs = jobs ? atoi(jobs) : 2 };
    int only_report = 0;
    for (int i = 1; i < count; ++i) {
        const char *next = i + 1 < count ? arguments[i + 1] : "";
        if (!strcmp(arguments[i], "--report"))
            only_report = 1;
        else if (!strcmp(arguments[i], "--folder"))
            folder = next, ++i;
        else if (!strcmp(arguments[i], "--jobs"))
            c.jobs = atoi(next), ++i;
        else if (!strcmp(arguments[i], "--bias"))
            c.bias = atof(next), ++i;
        else
            c.only = arguments[i];
    }
    if (!list->item || c.jobs < 1 || !(c.bias > 0) || open_file(&c, folder, arguments[0])) {
        fprintf(stderr, "no room in folder %s, or arguments that make no sense\n", folder);
        return 1;
    }
    if (!only_report)
        work_off(&c, list);
    return report(&c, list);
}
