/* SPDX-License-Identifier: BSD-2-Clause */
/* The cosmology plug-in: what its files share. Nothing of this is public: the only exported names are those of
 * MOTE_PLUGIN_ENTRY. The files, in reading order:
 *
 *     plugin.c     the entry: reads [model], opens the data sets
 *     assemble.c   parameters, derived ones and identity: the target
 *     sets.c       the table of data sets by name; one line adds a set of a known kind
 *     exclusion.c  which sets must not be used together
 *     constraint.c inequalities between parameters that cut the prior
 *     data.c       readers of text tables and covariance matrices
 *     form.c       quadratic forms r' C^-1 r, with an offset projected out where asked
 *     model.c      parameters, densities, E(z)
 *     distance.c   the plan of nodes, distances by quadrature
 *     likelihood.c the batch callback: one pass per parameter row
 *     derived.c    derived parameters and Gaussian terms
 *     chronometers.c supernovae.c bao.c growth.c cmb.c    chi-square of each kind of set
 *
 * Life cycle: mote_plugin fills one `cosmology`, which never changes afterwards; evaluation works in a block that each
 * call allocates, so that any number of threads may call at once. */
#ifndef COSMOLOGY_H
#define COSMOLOGY_H

#include <mote/plugin.h>

#define LIGHT_SPEED      299792.458   /* km/s */
#define HUBBLE_DISTANCE  2997.92458   /* c / (100 km/s/Mpc), Mpc */
#define HUBBLE_TIME      9.7779222168 /* 1 / (100 km/s/Mpc), Gyr of 365.25 days */
#define REDSHIFT_CMB     1090.0       /* of the compressed CMB data */

#define MAXIMUM_SETS      64
#define MAXIMUM_GAUSSIANS 32
#define MAXIMUM_CONSTRAINTS 16

/* ---- failures ------------------------------------------------------------------------------------------------- */
typedef struct failure {
    char text[1024];
} failure;

/* Stores the text and returns `status`. */
int cosmology_fail(failure *why, int status, const char *format, ...) MOTE_PRINTF(3, 4);

/* The word of `words` (count of them) nearest to `text` by edit distance; NULL when none is near. */
const char *cosmology_nearest(const char *text, const char *const *words, int64_t count);

/* ---- text files (data.c) -------------------------------------------------------------------------------------- */
typedef struct table {
    char format[32]; /* one letter per column; 'x' is skipped, 'q' is a BAO quantity, others are numbers */
    int64_t rows;
    double *value; /* column by column, `rows` each, in the order of `format` */
} table;

int cosmology_read_table(table *out, const char *path, const char *format, failure *why);
const double *cosmology_column(const table *from, char letter); /* NULL when the format lacks it */
int cosmology_read_covariance(double **out, int64_t n, const char *path, failure *why);
int cosmology_read_block(double *out, int64_t count, const char *path, const char *name, failure *why);

/* ---- quadratic forms (form.c) --------------------------------------------------------------------------------- */
typedef struct form {
    int64_t n;
    int64_t offset;     /* 1: an additive constant in r is projected out */
    double *weight;     /* diagonal covariance: 1/sd^2; otherwise NULL */
    double *upper;      /* rows i, columns i..n-1 of the inverse; off-diagonal entries doubled */
    double weight_sum;
} form;

int cosmology_form_open(form *out, const double *covariance, int64_t n, int64_t offset, const char *path, failure *why);
int cosmology_form_open_diagonal(form *out, const double *sd, int64_t n, int64_t offset, failure *why);
double cosmology_form_value(const form *from, double *r, double *scratch); /* r, scratch: n values, overwritten */
void cosmology_form_close(form *from);

/* ---- models (model.c) ----------------------------------------------------------------------------------------- */
/* X(ID, name, label, unit, prior, first argument, second argument) */
#define PARAMETER_LIST(X)                                                              \
    X(OMEGA_M, "omega_m", "\\Omega_m", NULL, UNIFORM, 0.1, 0.5)                        \
    X(OMEGA_K, "omega_k", "\\Omega_k", NULL, UNIFORM, -0.3, 0.3)                       \
    X(W, "w", "w_0", NULL, UNIFORM, -3, 1)                                             \
    X(WA, "wa", "w_a", NULL, UNIFORM, -3, 2)                                           \
    X(H, "h", "h", NULL, UNIFORM, 0.4, 0.9)                                            \
    X(HRD, "hrd", "h r_d", "Mpc", UNIFORM, 80, 125)                                    \
    X(OMEGA_B_H2, "omega_b_h2", "\\Omega_b h^2", NULL, UNIFORM, 0.02, 0.025)           \
    X(SIGMA8, "sigma8", "\\sigma_8", NULL, UNIFORM, 0.4, 1.2)                          \
    X(MNU, "mnu", "\\Sigma m_\\nu", "eV", UNIFORM, 0, 1)                               \
    X(NEFF, "neff", "N_{\\mathrm{eff}}", NULL, FIXED, 3.046, 0)

enum parameter_id {
#define PARAMETER_ENUMERATOR(id, ...) PARAMETER_##id,
    PARAMETER_LIST(PARAMETER_ENUMERATOR)
#undef PARAMETER_ENUMERATOR
    PARAMETER_COUNT
};

typedef struct physics {
    const char *name;
    int64_t curvature, w, wa, neutrinos; /* 1: free */
} physics;

const physics *cosmology_physics(const char *name);    /* NULL: unknown */
const char *const *cosmology_physics_names(int64_t *count);

/* One parameter row, with the densities today in units of the critical density. */
typedef struct point {
    double value[PARAMETER_COUNT]; /* standard values where the model lacks a parameter */
    double matter;                 /* cold: baryons and dark matter; without radiation all of omega_m */
    double curvature, dark_energy;
    double photons;                /* 0 without radiation */
    double neutrino_share;         /* .2271 Neff: neutrinos over photons while relativistic */
    double neutrino_mass;          /* the argument of Komatsu's f(y) at a = 1, times .3173 */
    double sound_horizon_h;        /* h r_d, Mpc */
} point;

void cosmology_point_set(point *out, const double *theta, const int64_t *index, int64_t radiation,
                         int64_t sound_horizon);

/* Nodes: places where E^2 is wanted, with the powers that it needs. */
typedef struct nodes {
    int64_t n;
    double *a, *x, *q2, *q3, *q4; /* scale factor; ln(1+z); powers of 1+z */
} nodes;

typedef void vector_function(double *out, const double *x, int64_t n);

/* E^2 at the nodes. `dark` receives rho_de(a)/rho_de(1) (kept for the slope), `scratch` has room for 2 n. */
void cosmology_expansion(const point *at, const physics *model, const nodes *where, vector_function *exponential,
                         vector_function *logarithm, double *squared, double *dark, double *scratch);
double cosmology_slope(const point *at, double a, double dark); /* d(E^2)/d(ln a) at one node */

/* ---- nodes and distances (distance.c) ------------------------------------------------------------------------- */
enum { NEED_RATE = 0, NEED_DISTANCE = 1, NEED_GROWTH = 2 };

typedef struct plan {
    int64_t count;        /* redshifts of all sets, ascending, each once */
    double *z;
    int64_t *need;        /* bits NEED_... */
    nodes at;             /* all nodes: redshifts, then quadrature, growth, age */
    int64_t quadrature, growth, age;  /* first node of each part; `at.n` ends the last */
    int64_t *end;         /* per redshift: the quadrature nodes below it end here */
    double *weight;       /* of the quadrature nodes: weight times 1+z */
    int64_t growth_steps; /* Runge-Kutta steps; three nodes each, shared at the ends */
    double *growth_step;  /* their lengths in ln a */
    int64_t *growth_at;   /* per redshift: after how many steps it is reached, or -1 */
    double *age_weight;
} plan;

int cosmology_plan_want(plan *to, double z, int64_t need, failure *why);
int cosmology_plan_close(plan *to, int64_t age, failure *why); /* sorts, merges, lays out the nodes */
int64_t cosmology_plan_find(const plan *from, double z);
void cosmology_plan_free(plan *from);
void cosmology_gauss_legendre(int64_t n, double *node, double *weight); /* on (0, 1), ascending; n <= 64 */

/* D_M H0/c at the plan's redshifts from E^2 at its nodes; `integrand` has room for the quadrature nodes.
 * Returns 0 when E^2 <= 0 somewhere on the way or a closed universe ends before the last redshift. */
int cosmology_distances(const plan *from, double curvature, const double *squared, double *integrand, double *distance);
double cosmology_age(const plan *from, const double *squared, double h); /* Gyr; NaN when E^2 <= 0 on the way */
double cosmology_curved(double curvature, double chi); /* sinh(sqrt(Ok) chi)/sqrt(Ok), sin for Ok < 0 */

/* ---- state of one row (likelihood.c) -------------------------------------------------------------------------- */
typedef struct state {
    point at;
    double *squared, *dark, *nodes_scratch, *integrand; /* per node */
    double *rate, *distance, *growth;  /* per redshift of the plan: E, D_M H0/c, f sigma8 */
    double *residual, *scratch;        /* as long as the largest set, twice */
    double *chi2;                      /* per set */
    double age;
    const struct cosmology *all;
} state;

int cosmology_batch(void *ctx, const mote_batch *batch);

/* f sigma8 at the redshifts that asked for it (growth.c). */
void cosmology_growth(const plan *from, const point *at, const double *squared, const double *dark, double *growth);
int cosmology_growth_nodes(plan *to, failure *why);

/* ---- data sets ------------------------------------------------------------------------------------------------ */
enum { PARAMETERS_H = 1, PARAMETERS_HRD = 2, PARAMETERS_SIGMA8 = 4, PARAMETERS_CMB = 8 };

typedef struct set set;

/* Reads the set's files; calls cosmology_set_* below. */
typedef int set_opener(set *to, plan *redshifts, failure *why);
typedef double set_chi2(const set *from, const state *at);

/* What a set is made of, for the table of overlaps. */
enum {
    TAG_SUPERNOVAE = 1 << 0, TAG_CMB = 1 << 1, TAG_CC15 = 1 << 2, TAG_CC31 = 1 << 3, TAG_DESI_DR1 = 1 << 4,
    TAG_DESI_DR2 = 1 << 5, TAG_DESI_TRACER = 1 << 6, TAG_SDSS = 1 << 7, TAG_BOSS = 1 << 8, TAG_DR12_LRG = 1 << 9,
    TAG_DR16_LRG = 1 << 10, TAG_DR16_LRG_FS = 1 << 11, TAG_QSO = 1 << 12, TAG_QSO_FS = 1 << 13, TAG_GOLD = 1 << 14,
    TAG_GROWTH = 1 << 15
};

/* A row of the table in sets.c. */
typedef struct source {
    const char *name;        /* in the ini file */
    const char *aliases;     /* separated by blanks */
    const char *label;       /* LaTeX, upright mathematics */
    set_opener *open;
    set_chi2 *chi2;
    const char *file, *format;      /* relative to the data folder; a letter per column, see data.c */
    const char *covariance;         /* NULL: none; the column e is added to its diagonal */
    double redshift;                /* of likelihood tables without a column z */
    uint64_t tags;                  /* bits TAG_... */
} source;

struct set {
    const source *from;
    char name[64];
    char chi2_name[72], chi2_label[96];
    char path[1024], covariance_path[1024];
    table data;
    int64_t needs;    /* bits PARAMETERS_... */
    form inverse;
    int64_t *at;      /* per row: the redshift's place in the plan */
    double *extra;    /* per row: what the kind precomputes */
    int64_t grid[2];  /* shape of a likelihood grid */
};

const source *cosmology_source(const char *name); /* by name or alias, case ignored; NULL: unknown */
const source *cosmology_source_at(int64_t index); /* NULL past the end */
extern const source cosmology_custom_bao;

/* Helpers of the openers: reads `path` by the source's format, checks redshifts, opens the quadratic form. */
int cosmology_set_read(set *to, int64_t offset, failure *why);
int cosmology_set_want(set *to, plan *redshifts, int64_t need, failure *why);
int cosmology_set_locate(set *to, const plan *redshifts, failure *why);
void cosmology_set_close(set *from);

set_opener cosmology_open_chronometers, cosmology_open_supernovae, cosmology_open_bao, cosmology_open_bao_curve,
    cosmology_open_bao_grid, cosmology_open_growth, cosmology_open_cmb;
set_chi2 cosmology_chi2_chronometers, cosmology_chi2_supernovae, cosmology_chi2_bao, cosmology_chi2_elg,
    cosmology_chi2_mgs, cosmology_chi2_bao_grid, cosmology_chi2_growth, cosmology_chi2_cmb;

enum quantity { DV_OVER_RS, DM_OVER_RS, DH_OVER_RS, F_SIGMA8, HZ_RS, DM_RS_MPC, QUANTITY_COUNT };
int64_t cosmology_quantity(const char *word); /* -1: unknown */

/* MOTE_OK, or MOTE_EINVAL naming two sets that share data. */
int cosmology_exclusion(const set *sets, int64_t count, failure *why);

/* ---- derived parameters and Gaussian terms (derived.c) -------------------------------------------------------- */
/* X(ID, name, label, unit) */
#define DERIVED_LIST(X)                                                 \
    X(H0, "H0", "H_0", "km/s/Mpc")                                      \
    X(AGE, "age", "t_0", "Gyr")                                         \
    X(Q0, "q0", "q_0", NULL)                                            \
    X(OMEGA_LAMBDA, "omega_lambda", "\\Omega_\\Lambda", NULL)           \
    X(OMEGA_DE, "omega_de", "\\Omega_{\\mathrm{de}}", NULL)             \
    X(HRD, "hrd", "h r_d", "Mpc")                                       \
    X(RD, "r_d", "r_d", "Mpc")                                          \
    X(OMEGA_CB_H2, "omega_cb_h2", "\\Omega_{cb} h^2", NULL)             \
    X(S8, "S8", "S_8", NULL)

enum derived_id {
#define DERIVED_ENUMERATOR(id, ...) DERIVED_##id,
    DERIVED_LIST(DERIVED_ENUMERATOR)
#undef DERIVED_ENUMERATOR
    DERIVED_COUNT
};

typedef struct gaussian {
    char name[64];
    int64_t derived; /* 1: `index` is a derived_id, 0: a parameter_id */
    int64_t index;
    double mean, sd;
} gaussian;

/* ---- joint prior constraints (constraint.c) ------------------------------------------------------------------- */
/* constant + sum of coefficient * parameter < 0, or <= 0. */
typedef struct constraint {
    double coefficient[PARAMETER_COUNT], constant;
    int64_t inclusive;
} constraint;

typedef struct cosmology {
    const physics *model;
    int64_t radiation, sound_horizon; /* 1: photons and neutrinos; r_d computed */
    int64_t index[PARAMETER_COUNT];   /* place in theta, or -1 */
    int64_t has_derived[DERIVED_COUNT];
    int64_t set_count, gaussian_count, derived_shown, age_wanted;
    int64_t longest; /* rows of the largest set */
    plan redshifts;
    set sets[MAXIMUM_SETS];
    gaussian gaussians[MAXIMUM_GAUSSIANS];
    int64_t constraint_count;
    constraint constraints[MAXIMUM_CONSTRAINTS];
    vector_function *exponential, *logarithm;
    mote_parameter parameters[PARAMETER_COUNT + DERIVED_COUNT + MAXIMUM_SETS + 1];
    mote_target target;
    char identity[16384];
    failure why;
} cosmology;

/* Fills index, parameters, target and identity from model, sets and Gaussian terms (assemble.c). `needs` are the
 * PARAMETERS_ bits of all sets and terms. */
int cosmology_assemble(cosmology *all, int64_t needs, failure *why);

const char *cosmology_parameter_name(int64_t id);

/* Adds the inequalities in `text` to an assembled model; `where`: file and line, for messages. */
int cosmology_constraints_read(cosmology *all, const char *text, const char *where, failure *why);
int cosmology_inside(void *ctx, const double *theta); /* mote_target's constraint: 1 where all hold */

double cosmology_derived(const state *at, int64_t id); /* NaN where it does not exist */

/* Sum of ((x - mean)/sd)^2; +inf where a value does not exist. */
double cosmology_gaussians(const cosmology *all, const state *at);

#endif
