#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes special_reference.h: distribution functions in 50-digit arithmetic (mpmath), by other methods than the library:
power series (and Legendre's fraction) for gamma, beta and Student, mpmath's erfc for the normal law. Not needed to build or test.

Usage: special_reference.py > special_reference.h
"""
from mpmath import mp, mpf, erfc, exp, log, loggamma, nstr, sqrt

mp.dps = 50
BITS = 256
ONE = 1 << BITS


def fixed(x):
    return int(x * ONE)


def hyper(x, top, bottom):
    """sum over n of x^n (top)_n / (bottom)_n, all terms positive, in fixed point"""
    x, a, b = fixed(x), fixed(top), fixed(bottom)
    term = total = ONE
    while term > total >> 170:
        term = (term * x >> BITS) * a // b
        total += term
        a += ONE
        b += ONE
    return mpf(total) / ONE


def beta(x, y, a, b):
    lead = exp(a * log(x) + b * log(y) + loggamma(a + b) - loggamma(a) - loggamma(b))
    if x < (a + 1) / (a + b + 2):
        lower = lead / a * hyper(x, a + b, a + 1)
        return lower, 1 - lower
    upper = lead / b * hyper(y, a + b, b + 1)
    return 1 - upper, upper


def student(t, v):
    square = t * t
    return beta(v / (v + square), square / (v + square), v / 2, mpf(1) / 2)[0] / 2


def gamma(x, a):
    """lower and upper to full relative precision: Legendre's fraction where the upper tail is small"""
    if x < a + 30:
        lower = exp(a * log(x) - x - loggamma(a + 1)) * hyper_gamma(x, a)
        return lower, 1 - lower
    b, d = x + 1 - a, 1 / (x + 1 - a)
    c, h, n = mpf(10) ** 300, d, 1
    while n < 10 ** 6:
        b += 2
        d = 1 / (-n * (n - a) * d + b)
        c = b - n * (n - a) / c
        h *= d * c
        if abs(d * c - 1) < mpf(10) ** -45:
            break
        n += 1
    upper = exp(a * log(x) - x - loggamma(a)) * h
    return 1 - upper, upper


def hyper_gamma(x, a):
    x, b, term, total = fixed(x), fixed(a + 1), ONE, ONE
    while term > total >> 230:
        term = term * x // b
        total += term
        b += ONE
    return mpf(total) / ONE


def number(v):
    """doubles exactly; below the normal doubles 0"""
    return repr(v) if isinstance(v, float) else nstr(v, 20) if abs(v) > 1e-305 else "0.0"


def row(*values):
    print("    { " + ", ".join(number(v) for v in values) + " },")


def table(name, columns, comment):
    print("};\n\n/* %s */\nstatic const double %s[][%d] = {" % (comment, name, columns))


SHAPES = [0.01, 0.3, 1.0, 7.5, 19.0, 21.0, 400.0, 31623.0, 1e6]
SPREAD = [-6.5, -2.0, -0.3, 0.0, 0.4, 2.5, 7.0]  # in sd


def main():
    print("/* SPDX-License-Identifier: GPL-3.0-or-later */")
    print("/* Made by special_reference.py (mpmath, 50 digits). */")
    print("#ifndef MOTE_TESTS_SPECIAL_REFERENCE_H\n#define MOTE_TESTS_SPECIAL_REFERENCE_H")
    print("\n/* x, shape, lower, upper */\nstatic const double gamma_reference[][4] = {")
    for a in SHAPES:
        points = [a * (1 + s / a ** 0.5) for s in SPREAD] if a > 50 else [a * f for f in (1e-9, 1e-3, 0.2, 0.95, 1.1, 3.0)]
        if a < 1:
            points += [1e-200, 1e-30, 0.5, 1.4, 1.6, 5.0, 40.0]
        for x in points:
            x = float("%.6g" % x)
            lower, upper = gamma(mpf(x), mpf(a))
            row(x, a, lower, upper)
    table("beta_reference", 6, "x, 1 - x, a, b, lower, upper; the smaller of x and 1 - x is exact")
    for a in SHAPES[::2]:
        for b in SHAPES[::2] + [21.0]:
            n = a * b / (a + b)
            factors = [exp(mpf(s) / n ** 0.5) for s in SPREAD] if n > 50 else [1e-9, 0.02, 0.7, 1.3, 8.0, 1e5]
            for f in factors:
                odds = float(f) * a / b
                x, y = odds / (1 + odds), 1 / (1 + odds)
                exact_x = 1 - mpf(y) if y < x else mpf(x)
                lower, upper = beta(exact_x, 1 - exact_x, mpf(a), mpf(b))
                row(x, y, a, b, lower, upper)
    table("student_reference", 3, "t, degrees of freedom, upper tail")
    for v in [0.01, 0.5, 1.0, 4.0, 30.0, 1e3, 1e6]:
        for t in [1e-9, 0.3, 1.7, 6.0, 40.0] + ([1e12, 1e300] if v < 5 else []):
            row(t, v, student(mpf(t), mpf(v)))
    table("normal_reference", 2, "x, upper tail")
    for x in [0.0, 1e-9, 0.1, 0.5, 1.0, 2.0, 5.0, 5.5, 8.0, 12.0, 20.0, 37.0]:
        row(x, erfc(mpf(x) / sqrt(mpf(2))) / 2)
    table("truncated_reference", 6, "x, a, b, lower, upper, log mass of [a, b]")
    for x, a, b in [(8.1, 8.0, 9.0), (8.9, 8.0, 9.0), (-38.02, -40.0, -38.0), (38.5, 38.0, 40.0), (0.3, 0.25, 0.5),
                    (1e-9, -1e-8, 1e-8), (3.0 + 2e-12, 3.0, 3.0 + 2 ** -38), (-1.0, -2.0, 0.5), (100.001, 100.0, 200.0),
                    (0.5, -8.0, 8.0), (-7.5, -8.0, 30.0), (6.1, 5.9, 6.5), (1e4 + 0.0001, 1e4, 2e4), (0.9, 0.0, 6.0)]:
        with_tail = lambda t: erfc(mpf(t) / sqrt(mpf(2))) / 2
        mp.dps = 60
        if a < 0:
            mass, part = with_tail(-b) - with_tail(-a), with_tail(-x) - with_tail(-a)
        else:
            mass, part = with_tail(a) - with_tail(b), with_tail(a) - with_tail(x)
        row(x, a, b, part / mass, 1 - part / mass, log(mass))
        mp.dps = 50
    table("log_gamma_reference", 2, "x, log Gamma(x)")
    for x in [1e-300, 1e-9, 0.01, 0.3, 0.999, 1.0, 1.001, 1.5, 2.0, 2.0001, 3.7, 10.0, 99.5, 1e6, 1e18, 1e200]:
        row(x, loggamma(mpf(x)))
    table("log_beta_reference", 3, "a, b, log B(a, b)")
    for a, b in [(0.01, 0.01), (0.01, 1e6), (1.0, 1.0), (2.5, 3.5), (9.0, 11.0), (400.0, 0.5), (1e6, 1e6), (5e5, 0.5),
                 (1e6, 12.0), (1e-10, 1e-3)]:
        row(a, b, loggamma(mpf(a)) + loggamma(mpf(b)) - loggamma(mpf(a) + mpf(b)))
    print("};\n\n#endif")


main()
