/* SPDX-License-Identifier: BSD-2-Clause */
/* Matrices with their shapes, so that a model of the wrong shape is refused by name. */
#ifndef MOTE_MATRIX_H
#define MOTE_MATRIX_H

#include <mote/base.h>

/* A dense matrix in the caller's memory, row by row; a vector is a matrix of one column. values NULL: absent. */
typedef struct mote_matrix {
    const double *values;
    int64_t rows, columns;
} mote_matrix;

/* Of an array a[rows][columns], of an array v[rows]. */
#define MOTE_MATRIX(array)                                                                                           \
    { &(array)[0][0], (int64_t)(sizeof(array) / sizeof *(array)), (int64_t)(sizeof *(array) / sizeof **(array)) }
#define MOTE_VECTOR(array) { (array), (int64_t)(sizeof(array) / sizeof *(array)), 1 }

#endif
