/* SPDX-License-Identifier: BSD-2-Clause */
/* A user's model as a plug-in: a shared object that exports mote_plugin and links nothing of mote.
 *
 *     MOTE_PLUGIN_ENTRY(const mote_host *host, const mote_config *section, mote_model *model)
 *     {
 *         static const mote_parameter parameters[] = { MOTE_UNIFORM("x", -5, 5), MOTE_UNIFORM("y", -5, 5) };
 *         static const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters),
 *                                             .log_likelihood_point = rosenbrock, .name = "rosenbrock" };
 *         model->target = &target;
 *         return 0;
 *     }
 *
 * `section` is the [model] section of the ini file; keys that are never asked for are reported as unknown.
 *
 * A state-space model is handed out as `model->ssm`. Its callbacks draw by mote_normals, mote_stream_poisson, ... as ever:
 * with `#define MOTE_PLUGIN_LINKS_NOTHING` before this header these names mean calls through the host table. */
#ifndef MOTE_PLUGIN_H
#define MOTE_PLUGIN_H

#include <mote/base.h>
#include <mote/config.h>
#include <mote/source.h>
#include <mote/ssm.h>
#include <mote/status.h>
#include <mote/target.h>
#include <mote/variate.h>
#include <string.h>

MOTE_BEGIN

/* Raised when a table below changes its meaning. A plug-in built for a newer one is refused. */
#define MOTE_PLUGIN_ABI 1

/* Services of the library, so that a plug-in needs no link to it. */
typedef struct mote_host {
    mote_head head;
    int64_t abi; /* MOTE_PLUGIN_ABI of the library */
    void *ctx;
    const char *(*config_get)(const mote_config *section, const char *key, const char *standard);
    int (*config_real)(const mote_config *section, const char *key, double standard, double *value, char *message,
                       size_t size);
    int (*config_integer)(const mote_config *section, const char *key, int64_t standard, int64_t *value, char *message,
                          size_t size);
    int (*config_truth)(const mote_config *section, const char *key, int64_t standard, int64_t *value, char *message,
                        size_t size);
    const char *(*config_key)(const mote_config *section, int64_t index);
    const char *(*config_where)(const mote_config *section, const char *key);
    int (*config_path)(const mote_config *section, const char *value, char *path, size_t size);
    void (*error)(void *ctx, const char *text); /* keeps the reason of a failed open; copied */
    void (*identify)(void *ctx, const char *path); /* adds a data file's content to the model's identity */
    void (*exp)(double *out, const double *x, int64_t n);
    void (*log)(double *out, const double *x, int64_t n);
    void (*uniforms)(mote_source *source, double *out, int64_t n);
    void (*normals)(mote_source *source, double *out, int64_t n);

    /* Draws and variates: mote/source.h, mote/variate.h. */
    void (*bits)(mote_source *source, uint64_t *out, int64_t n);
    void (*exponentials)(mote_source *source, double *out, int64_t n);
    int64_t (*choose)(mote_source *source, const double *p, int64_t n);
    void (*ordered_uniforms)(mote_source *source, double *out, int64_t n, const double *cuts, int64_t cut_count);
    double (*uniform_cut)(mote_source *source, const double *cuts, int64_t n);
    mote_stream (*stream_open)(mote_source *source, int64_t particle);
    uint64_t (*stream_bits)(mote_stream *stream);
    double (*stream_uniform)(mote_stream *stream);
    double (*stream_normal)(mote_stream *stream);
    void (*stream_normals)(mote_stream *stream, double *out, int64_t n);
    int64_t (*stream_index)(mote_stream *stream, int64_t n);
    double (*stream_exponential)(mote_stream *stream);
    double (*stream_gamma)(mote_stream *stream, double shape);
    double (*stream_log_gamma)(mote_stream *stream, double shape);
    double (*stream_inverse_gamma)(mote_stream *stream, double shape);
    double (*stream_beta)(mote_stream *stream, double a, double b);
    double (*stream_chi_squared)(mote_stream *stream, double nu);
    double (*stream_student_t)(mote_stream *stream, double nu);
    int (*stream_dirichlet)(mote_stream *stream, const double *alpha, int64_t k, double *x);
    int64_t (*stream_poisson)(mote_stream *stream, double mean);
    int64_t (*stream_binomial)(mote_stream *stream, int64_t n, double p);
    int64_t (*stream_negative_binomial)(mote_stream *stream, double mean, double size);
    int (*stream_multinomial)(mote_stream *stream, int64_t n, const double *p, int64_t k, int64_t *counts);
} mote_host;

/* What the plug-in hands out: a target, a state-space model, or both. Pointers stay valid until `release` is called
 * (once, also when opening failed). */
typedef struct mote_model {
    mote_head head;
    int64_t abi;               /* the plug-in sets MOTE_PLUGIN_ABI; preset to the library's */
    const mote_target *target;
    void (*release)(void *ctx);
    void *ctx;
    const mote_ssm *ssm;
} mote_model;

typedef int mote_plugin_function(const mote_host *host, const mote_config *section, mote_model *model);

/* What a plug-in exports: declared here, so that C++ gives them C names too. */
MOTE_API mote_plugin_function mote_plugin;
MOTE_API extern const int64_t mote_plugin_abi;

/* The host table that MOTE_PLUGIN_ENTRY keeps: one for all files of a plug-in, none of its exports. */
#ifdef __GNUC__
__attribute__((visibility("hidden")))
#endif
extern mote_host mote_plugin_host;

/* Put once into a plug-in: the entry point, and the ABI it was built for. It keeps a copy of the host table, which the
 * inline functions at the end of this header call. */
#define MOTE_PLUGIN_ENTRY                                                                                              \
    const int64_t mote_plugin_abi = MOTE_PLUGIN_ABI;                                                                   \
    mote_host mote_plugin_host;                                                                                        \
    static mote_plugin_function mote_plugin_open;                                                                      \
    int mote_plugin(const mote_host *mote_given_, const mote_config *mote_section_, mote_model *mote_model_)           \
    {                                                                                                                  \
        memcpy((void *)&mote_plugin_host, (const void *)mote_given_,                                                   \
               mote_given_->head.size < sizeof mote_plugin_host ? mote_given_->head.size : sizeof mote_plugin_host);   \
        return mote_plugin_open(mote_given_, mote_section_, mote_model_);                                              \
    }                                                                                                                  \
    static int mote_plugin_open

/* Library side. Loads `path` with `section` (may be NULL); *plugin must be released after the last run on its target.
 * On failure `message` names file, symbol, ABI number or ini line. */
typedef struct mote_loaded_plugin mote_loaded_plugin;
MOTE_API int mote_plugin_load(mote_loaded_plugin **plugin, const char *path, const mote_config *section, char *message,
                              size_t size);
MOTE_API const mote_target *mote_plugin_target(const mote_loaded_plugin *plugin); /* NULL: it hands out none */
MOTE_API const mote_ssm *mote_plugin_ssm(const mote_loaded_plugin *plugin);       /* NULL: it hands out none */
MOTE_API void mote_plugin_release(mote_loaded_plugin **plugin);

/* Target and state-space model with the ini section [parameters] applied: a new prior ("omega_m = uniform 0.1 0.5"), a fixed value
 * ("h = 0.7"), a label ("h.label = h_0"). An unknown name is an error. Once per plug-in, before the model is used. */
MOTE_API int mote_plugin_override(mote_loaded_plugin *plugin, const mote_config *parameters, char *message, size_t size);

#ifdef MOTE_PLUGIN_LINKS_NOTHING
/* Draws and variates through the host table. */
static inline void mote_plugin_bits(mote_source *source, uint64_t *out, int64_t n)
{
    mote_plugin_host.bits(source, out, n);
}
static inline void mote_plugin_uniforms(mote_source *source, double *out, int64_t n)
{
    mote_plugin_host.uniforms(source, out, n);
}
static inline void mote_plugin_normals(mote_source *source, double *out, int64_t n)
{
    mote_plugin_host.normals(source, out, n);
}
static inline void mote_plugin_exponentials(mote_source *source, double *out, int64_t n)
{
    mote_plugin_host.exponentials(source, out, n);
}
static inline int64_t mote_plugin_choose(mote_source *source, const double *p, int64_t n)
{
    return mote_plugin_host.choose(source, p, n);
}
static inline void mote_plugin_ordered_uniforms(mote_source *source, double *out, int64_t n, const double *cuts, int64_t cut_count)
{
    mote_plugin_host.ordered_uniforms(source, out, n, cuts, cut_count);
}
static inline double mote_plugin_uniform_cut(mote_source *source, const double *cuts, int64_t n)
{
    return mote_plugin_host.uniform_cut(source, cuts, n);
}
static inline mote_stream mote_plugin_stream_open(mote_source *source, int64_t particle)
{
    return mote_plugin_host.stream_open(source, particle);
}
static inline uint64_t mote_plugin_stream_bits(mote_stream *stream)
{
    return mote_plugin_host.stream_bits(stream);
}
static inline double mote_plugin_stream_uniform(mote_stream *stream)
{
    return mote_plugin_host.stream_uniform(stream);
}
static inline double mote_plugin_stream_normal(mote_stream *stream)
{
    return mote_plugin_host.stream_normal(stream);
}
static inline void mote_plugin_stream_normals(mote_stream *stream, double *out, int64_t n)
{
    mote_plugin_host.stream_normals(stream, out, n);
}
static inline int64_t mote_plugin_stream_index(mote_stream *stream, int64_t n)
{
    return mote_plugin_host.stream_index(stream, n);
}
static inline double mote_plugin_stream_exponential(mote_stream *stream)
{
    return mote_plugin_host.stream_exponential(stream);
}
static inline double mote_plugin_stream_gamma(mote_stream *stream, double shape)
{
    return mote_plugin_host.stream_gamma(stream, shape);
}
static inline double mote_plugin_stream_log_gamma(mote_stream *stream, double shape)
{
    return mote_plugin_host.stream_log_gamma(stream, shape);
}
static inline double mote_plugin_stream_inverse_gamma(mote_stream *stream, double shape)
{
    return mote_plugin_host.stream_inverse_gamma(stream, shape);
}
static inline double mote_plugin_stream_beta(mote_stream *stream, double a, double b)
{
    return mote_plugin_host.stream_beta(stream, a, b);
}
static inline double mote_plugin_stream_chi_squared(mote_stream *stream, double nu)
{
    return mote_plugin_host.stream_chi_squared(stream, nu);
}
static inline double mote_plugin_stream_student_t(mote_stream *stream, double nu)
{
    return mote_plugin_host.stream_student_t(stream, nu);
}
static inline int mote_plugin_stream_dirichlet(mote_stream *stream, const double *alpha, int64_t k, double *x)
{
    return mote_plugin_host.stream_dirichlet(stream, alpha, k, x);
}
static inline int64_t mote_plugin_stream_poisson(mote_stream *stream, double mean)
{
    return mote_plugin_host.stream_poisson(stream, mean);
}
static inline int64_t mote_plugin_stream_binomial(mote_stream *stream, int64_t n, double p)
{
    return mote_plugin_host.stream_binomial(stream, n, p);
}
static inline int64_t mote_plugin_stream_negative_binomial(mote_stream *stream, double mean, double size)
{
    return mote_plugin_host.stream_negative_binomial(stream, mean, size);
}
static inline int mote_plugin_stream_multinomial(mote_stream *stream, int64_t n, const double *p, int64_t k, int64_t *counts)
{
    return mote_plugin_host.stream_multinomial(stream, n, p, k, counts);
}

#define mote_bits mote_plugin_bits
#define mote_uniforms mote_plugin_uniforms
#define mote_normals mote_plugin_normals
#define mote_exponentials mote_plugin_exponentials
#define mote_choose mote_plugin_choose
#define mote_ordered_uniforms mote_plugin_ordered_uniforms
#define mote_uniform_cut mote_plugin_uniform_cut
#define mote_stream_open mote_plugin_stream_open
#define mote_stream_bits mote_plugin_stream_bits
#define mote_stream_uniform mote_plugin_stream_uniform
#define mote_stream_normal mote_plugin_stream_normal
#define mote_stream_normals mote_plugin_stream_normals
#define mote_stream_index mote_plugin_stream_index
#define mote_stream_exponential mote_plugin_stream_exponential
#define mote_stream_gamma mote_plugin_stream_gamma
#define mote_stream_log_gamma mote_plugin_stream_log_gamma
#define mote_stream_inverse_gamma mote_plugin_stream_inverse_gamma
#define mote_stream_beta mote_plugin_stream_beta
#define mote_stream_chi_squared mote_plugin_stream_chi_squared
#define mote_stream_student_t mote_plugin_stream_student_t
#define mote_stream_dirichlet mote_plugin_stream_dirichlet
#define mote_stream_poisson mote_plugin_stream_poisson
#define mote_stream_binomial mote_plugin_stream_binomial
#define mote_stream_negative_binomial mote_plugin_stream_negative_binomial
#define mote_stream_multinomial mote_plugin_stream_multinomial
#endif

MOTE_END
#endif
