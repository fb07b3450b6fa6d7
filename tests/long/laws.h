/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Laws of random programs, as a list that is worked off: each is a stream of replicates judged by sequential tests
 * (tests/long/sequential.h), or a function that judges for itself. Results are lines of a text file in a folder: a law
 * that has its line is not run again, and lines of another build of the program are moved aside. */
#ifndef MOTE_TESTS_LAWS_H
#define MOTE_TESTS_LAWS_H

#include <stddef.h>
#include <stdint.h>

enum { LAW_NUMBERS = 4, LAW_NAME = 96, LAW_ROOM = 256, LAW_MOST = 1024 };

/* What became of a law. */
typedef struct law_result {
    int64_t replicates,
        seen; /* seen: at how many replicates the planted bias was rejected; 0: never, the test was blind */
    double worst, limit;      /* the largest statistic of the true program, and where it would have been rejected */
    double bias;              /* planted, relative */
    int ok;
    char note[200];
} law_result;

typedef struct law_entry law_entry;
struct law_entry {
    char name[LAW_NAME];
    const char *number[LAW_NUMBERS]; /* names of the numbers of a replicate */
    int numbers;
    double bias;              /* planted; the caller's --bias is what 1 here stands for */
    int64_t first, most;      /* replicates */
    /* `state` is of `state_size` bytes, zeroed; close also after a failed open. replicate: x and planted x of number r.
     */
    size_t state_size;
    int (*open)(const law_entry *self, void *state);
    int (*replicate)(const law_entry *self, void *state, int64_t r, double bias, double *x, double *planted);
    void (*close)(void *state);
    /* Or: judges by itself. 0, or -1 when it could not be run. */
    int (*judge)(const law_entry *self, double bias, law_result *result);
    char configuration[LAW_ROOM]; /* the law's own struct */
};

typedef struct law_list {
    law_entry *item;
    int64_t count;
} law_list;

/* A new law at the end, zeroed but for its name; NULL when the list is full. */
law_entry *law_add(law_list *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* laws [--folder F] [--jobs N] [--bias B] [--report] [NAME]: those whose names begin so. The exit code. */
int law_main(law_list *list, int count, char **arguments);

/* Of chi-square: how far out `statistic` is, in normal standard deviations. */
double law_chi_square_z(double statistic, double degrees);

/* Where a statistic that is standard normal for a right program is rejected, by the family's rate. */
double law_limit(void);

#endif
