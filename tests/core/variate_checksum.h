/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Some thousand variates of every law, small and large parameters, and one number for each law's bytes. */
#ifndef MOTE_TESTS_VARIATE_CHECKSUM_H
#define MOTE_TESTS_VARIATE_CHECKSUM_H

#include <mote/variate.h>
#include <string.h>

enum { VARIATE_LAWS = 12, VARIATE_DRAWS = 1000 };

static const uint64_t variate_expected[VARIATE_LAWS] = {
    UINT64_C(0x4d547b569268ff0a), UINT64_C(0x84979972a6b4eab9), UINT64_C(0x63b321ee3af8b341),
    UINT64_C(0x60b2bf08a7fe5e26), UINT64_C(0x8308b8b7c6ef5939), UINT64_C(0xd805d685a47c2cca),
    UINT64_C(0x26bb74158def6e15), UINT64_C(0x2c93d2eb1f2d4e54), UINT64_C(0x2285e5d17fc5825e),
    UINT64_C(0xbb662f0727a8d7cf), UINT64_C(0x53a42cd1a4df6156), UINT64_C(0xad2aba49311b8396),
};

static uint64_t variate_add(uint64_t hash, const void *value)
{
    uint64_t bits;
    memcpy(&bits, value, sizeof bits);
    for (int shift = 0; shift < 64; shift += 8)
        hash = (hash ^ (bits >> shift & 0xff)) * UINT64_C(0x100000001b3);
    return hash;
}

/* Real laws 0..6, counts 7..9; 10 Dirichlet, 11 multinomial: vectors of 3. */
static double variate_real(mote_stream *stream, int law, double shape)
{
    switch (law) {
    case 0: return mote_stream_exponential(stream);
    case 1: return mote_stream_gamma(stream, shape);
    case 2: return mote_stream_log_gamma(stream, shape);
    case 3: return mote_stream_inverse_gamma(stream, shape);
    case 4: return mote_stream_beta(stream, shape, 2.0);
    case 5: return mote_stream_chi_squared(stream, shape);
    default: return mote_stream_student_t(stream, shape);
    }
}

static int64_t variate_count(mote_stream *stream, int law, double mean)
{
    switch (law) {
    case 7: return mote_stream_poisson(stream, mean);
    case 8: return mote_stream_binomial(stream, 1 + (int64_t)(3.3 * mean), 0.3);
    default: return mote_stream_negative_binomial(stream, mean, 0.7);
    }
}

static uint64_t variate_checksum(mote_source *source, int law)
{
    static const double parameter[10] = { 1e-6, 0.1, 0.7, 1.0, 4.5, 9.99, 10.1, 300.0, 1e8, 1e15 };
    mote_stream stream = mote_stream_open(source, law);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (int i = 0; i < VARIATE_DRAWS; ++i) {
        const double shape = parameter[i % 10], alpha[3] = { shape, 0.5, 2.0 };
        double x[3] = { 0.0, 0.0, 0.0 };
        int64_t k[3] = { 0, 0, 0 };
        if (law < 7)
            x[0] = variate_real(&stream, law, shape);
        else if (law < 10)
            k[0] = variate_count(&stream, law, shape);
        else if (law == 10)
            mote_stream_dirichlet(&stream, alpha, 3, x);
        else
            mote_stream_multinomial(&stream, (int64_t)shape, alpha, 3, k);
        for (int j = 0; j < 3; ++j)
            hash = variate_add(variate_add(hash, &x[j]), &k[j]);
    }
    return hash;
}

#endif
