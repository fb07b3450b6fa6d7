/* SPDX-License-Identifier: BSD-2-Clause */
/* The entry of the plug-in. The [model] section, with standard values:
 *
 *     model = lcdm              lcdm olcdm wcdm owcdm cpl owacdm nulcdm nuowacdm
 *     data = cc15 desi_dr2 ...  sets by name (sets.c), separated by blanks, commas or plus signs
 *     data_folder =             where the files are; otherwise data/cosmology or ../../data/cosmology beside the ini,
 *                               the environment's MOTE_COSMOLOGY_DATA, that of the sources where the plug-in lies in
 *                               a build of them, the installed folder, in this order
 *     bao.NAME = mean cov       a Gaussian BAO set of the user's own: rows "z value quantity", and their covariance
 *     gaussian.NAME = mean sd   a Gaussian term on any parameter, sampled, fixed or derived
 *     constraint =              linear inequalities between parameters that cut the prior: w + wa < 0, ...
 *     allow_overlap = no        yes: use sets together that share data
 *     derived = yes             derived parameters and the chi-square of each set
 *     radiation = no            photons and neutrinos; always with CMB data, neutrino models or a computed r_d
 *     sound_horizon = free      computed: r_d from the densities (always with CMB data); free: hrd is a parameter */
#if defined __linux__
#define _GNU_SOURCE /* dladdr: POSIX has it since 2024 */
#elif defined __APPLE__
#define _DARWIN_C_SOURCE
#include <xlocale.h>
#endif
#include <dlfcn.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cosmology.h"

#ifndef MOTE_COSMOLOGY_DATADIR
#define MOTE_COSMOLOGY_DATADIR "/usr/local/share/mote/cosmology"
#endif

enum { PATH_SIZE = 1024, MOST_SOURCES = 128 };

typedef struct opening {
    const mote_host *host;
    const mote_config *section;
    cosmology *all;
    failure *why;
    int64_t allow_overlap;
    int64_t selected[MOST_SOURCES]; /* the sets of the table that `data` names */
    char folder[PATH_SIZE]; /* empty until the first set of the table */
} opening;

static const char *get(const opening *to, const char *key)
{
    return to->host->config_get(to->section, key, NULL);
}

static const char *where(const opening *to, const char *key)
{
    const char *place = to->host->config_where(to->section, key);
    return place ? place : "[model]";
}

static int get_truth(const opening *to, const char *key, int64_t standard, int64_t *value)
{
    return to->host->config_truth(to->section, key, standard, value, to->why->text, sizeof to->why->text);
}

/* ---- the data folder ------------------------------------------------------------------------------------------ */
static int is_data_folder(const char *path)
{
    char file[PATH_SIZE + 16];
    struct stat what;
    snprintf(file, sizeof file, "%s/SOURCES.md", path);
    return stat(file, &what) == 0;
}

/* Tries one place; remembers it in `tried`. */
static int try_folder(opening *to, const char *path, char *tried, size_t size)
{
    if (!path || !*path)
        return 0;
    if (is_data_folder(path)) {
        snprintf(to->folder, sizeof to->folder, "%s", path);
        return 1;
    }
    const size_t length = strlen(tried);
    snprintf(tried + length, size - length, "%s%s", length ? ", " : "", path);
    return 0;
}

/* A plug-in that is not installed lies in BUILD/examples/cosmology, and BUILD in the folder of the sources, is it, or
 * lies one deeper. */
static int try_sources(opening *to, char *tried, size_t size)
{
    static const char below[] = "/examples/cosmology/";
    static const char *const up[] = { "", "/..", "/../.." };
    static const int here;
    char path[PATH_SIZE];
    Dl_info about;
    const char *object = dladdr(&here, &about) ? about.dli_fname : NULL, *end = NULL;
    for (const char *at = object; at && (at = strstr(at, below)); ++at)
        end = at;
    for (size_t i = 0; end && i < sizeof up / sizeof *up; ++i) {
        const int length = snprintf(path, sizeof path, "%.*s%s/data/cosmology", (int)(end - object), object, up[i]);
        if (length > 0 && length < PATH_SIZE && try_folder(to, path, tried, size))
            return 1;
    }
    return 0;
}

static int find_folder(opening *to)
{
    static const char *const beside[] = { "data/cosmology", "../../data/cosmology" };
    char path[PATH_SIZE], tried[4 * PATH_SIZE] = "";
    const char *given = get(to, "data_folder");
    if (given)
        return to->host->config_path(to->section, given, to->folder, sizeof to->folder)
                   ? cosmology_fail(to->why, MOTE_EINVAL, "%s: data_folder: the path is too long",
                                    where(to, "data_folder"))
                   : MOTE_OK;
    for (size_t i = 0; i < sizeof beside / sizeof *beside; ++i)
        if (!to->host->config_path(to->section, beside[i], path, sizeof path) &&
            try_folder(to, path, tried, sizeof tried))
            return MOTE_OK;
    if (try_folder(to, getenv("MOTE_COSMOLOGY_DATA"), tried, sizeof tried) || try_sources(to, tried, sizeof tried) ||
        try_folder(to, MOTE_COSMOLOGY_DATADIR, tried, sizeof tried))
        return MOTE_OK;
    return cosmology_fail(to->why, MOTE_ENOENT, "no data folder (one with SOURCES.md); looked at %.700s; set "
                          "data_folder in [model] or MOTE_COSMOLOGY_DATA", tried);
}

static int exists(const char *path)
{
    struct stat what;
    return stat(path, &what) == 0;
}

/* ---- sets ----------------------------------------------------------------------------------------------------- */
static int new_set(opening *to, const source *from, const char *name, const char *key, set **out)
{
    if (to->all->set_count == MAXIMUM_SETS)
        return cosmology_fail(to->why, MOTE_EINVAL, "%s: more than %d data sets", where(to, key), MAXIMUM_SETS);
    *out = &to->all->sets[to->all->set_count++];
    (*out)->from = from;
    snprintf((*out)->name, sizeof (*out)->name, "%s", name);
    return MOTE_OK;
}

static int open_set(opening *to, set *one)
{
    const int status = one->from->open(one, &to->all->redshifts, to->why);
    if (status)
        return status;
    to->host->identify(to->host->ctx, one->path);
    if (*one->covariance_path)
        to->host->identify(to->host->ctx, one->covariance_path);
    const int64_t rows = one->data.rows > 3 ? one->data.rows : 3;
    if (rows > to->all->longest)
        to->all->longest = rows;
    return MOTE_OK;
}

static int set_path(const opening *to, char *path, const char *folder, const char *file)
{
    return snprintf(path, PATH_SIZE, "%s/%s", folder, file) < PATH_SIZE
               ? MOTE_OK : cosmology_fail(to->why, MOTE_EINVAL, "%s/%s: the path is too long", folder, file);
}

static int unknown_set(const opening *to, const char *name)
{
    const char *names[MOST_SOURCES];
    int64_t count = 0;
    for (const source *one; count < MOST_SOURCES && (one = cosmology_source_at(count)); ++count)
        names[count] = one->name;
    const char *near = cosmology_nearest(name, names, count);
    return cosmology_fail(to->why, MOTE_EINVAL, "%s: data: unknown data set '%s'%s%s%s", where(to, "data"), name,
                          near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int select_named(opening *to, const char *name)
{
    const source *from = cosmology_source(name);
    if (!from)
        return unknown_set(to, name);
    for (int64_t i = 0; i < MOST_SOURCES && cosmology_source_at(i); ++i)
        if (cosmology_source_at(i) == from && to->selected[i]++)
            return cosmology_fail(to->why, MOTE_EINVAL, "%s: data: data set %s is named twice", where(to, "data"),
                                  from->name);
    return MOTE_OK;
}

static int open_named(opening *to, const source *from)
{
    set *one = NULL;
    int status = new_set(to, from, from->name, "data", &one);
    if (!status && !*to->folder)
        status = find_folder(to);
    if (!status)
        status = set_path(to, one->path, to->folder, from->file);
    if (!status && from->covariance)
        status = set_path(to, one->covariance_path, to->folder, from->covariance);
    return status ? status : open_set(to, one);
}

/* In the order of the table, whatever the order in the ini: the same sets are the same likelihood, to the last bit. */
static int open_selected(opening *to)
{
    for (int64_t i = 0; i < MOST_SOURCES && cosmology_source_at(i); ++i) {
        const int status = to->selected[i] ? open_named(to, cosmology_source_at(i)) : MOTE_OK;
        if (status)
            return status;
    }
    return MOTE_OK;
}

/* Splits `text` at blanks, commas and plus signs; `each` gets the words. */
static int for_words(opening *to, const char *text, int (*each)(opening *to, const char *word))
{
    static const char *const separators = " \t,+";
    char word[64];
    for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
        const size_t length = strcspn(text, separators);
        if (length >= sizeof word)
            return cosmology_fail(to->why, MOTE_EINVAL, "%s: data: '%.70s' is too long", where(to, "data"), text);
        memcpy(word, text, length);
        word[length] = 0;
        text += length;
        const int status = each(to, word);
        if (status)
            return status;
    }
    return MOTE_OK;
}

/* A file of a bao.NAME line: beside the ini, or in the data folder's bao/. */
static int custom_path(opening *to, const char *key, const char *file, char *path)
{
    char beside[PATH_SIZE];
    if (to->host->config_path(to->section, file, beside, sizeof beside))
        return cosmology_fail(to->why, MOTE_EINVAL, "%s: %s: the path is too long", where(to, key), key);
    if (!exists(beside) && *file != '/') {
        char shipped[PATH_SIZE];
        failure ignored;
        opening quiet = *to;
        quiet.why = &ignored;
        if ((*to->folder || !find_folder(&quiet)) &&
            snprintf(shipped, sizeof shipped, "%s/bao/%s", *to->folder ? to->folder : quiet.folder, file) < PATH_SIZE &&
            exists(shipped)) {
            memcpy(path, shipped, PATH_SIZE);
            return MOTE_OK;
        }
    }
    memcpy(path, beside, PATH_SIZE);
    return MOTE_OK;
}

static int is_name(const char *text)
{
    const size_t good = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return *text && !text[good] && good < 48;
}

/* The next of two file names that blanks separate; one that has blanks itself stands between double quotes. The place
 * behind it; NULL when there is none. */
static const char *file_name(const char *text, char name[PATH_SIZE])
{
    text += strspn(text, " \t");
    const int quoted = *text == '"';
    text += quoted;
    const size_t length = strcspn(text, quoted ? "\"" : " \t");
    if (!length || length >= PATH_SIZE || (quoted && text[length] != '"'))
        return NULL;
    memcpy(name, text, length);
    name[length] = '\0';
    text += length + (size_t)quoted;
    return *text && !strchr(" \t", *text) ? NULL : text + strspn(text, " \t");
}

static int open_custom(opening *to, const char *key)
{
    const char *name = key + strlen("bao."), *value = get(to, key);
    char mean[PATH_SIZE], covariance[PATH_SIZE];
    set *one = NULL;
    if (!is_name(name) || cosmology_source(name))
        return cosmology_fail(to->why, MOTE_EINVAL, "%s: %s: the name after 'bao.' must be letters, digits and _, and "
                              "none of the built-in sets", where(to, key), key);
    const char *rest = file_name(value, mean);
    rest = rest ? file_name(rest, covariance) : NULL;
    if (!rest || *rest)
        return cosmology_fail(to->why, MOTE_EPARSE, "%s: %s: expected 'mean_file covariance_file', between double "
                              "quotes where a name has blanks", where(to, key), key);
    int status = new_set(to, &cosmology_custom_bao, name, key, &one);
    if (!status)
        status = custom_path(to, key, mean, one->path);
    if (!status)
        status = custom_path(to, key, covariance, one->covariance_path);
    return status ? status : open_set(to, one);
}

/* ---- Gaussian terms ------------------------------------------------------------------------------------------- */
static int read_gaussian(opening *to, const char *key)
{
    const char *name = key + strlen("gaussian."), *value = get(to, key);
    double mean, sd;
    char rest[2];
    if (sscanf(value, "%lf %lf %1s", &mean, &sd, rest) != 2 || !(sd > 0) || mean - mean != 0 || sd - sd != 0)
        return cosmology_fail(to->why, MOTE_EPARSE, "%s: %s: expected 'mean sd' with sd > 0, not '%.80s'",
                              where(to, key), key, value);
    if (to->all->gaussian_count == MAXIMUM_GAUSSIANS)
        return cosmology_fail(to->why, MOTE_EINVAL, "%s: more than %d Gaussian terms", where(to, key),
                              MAXIMUM_GAUSSIANS);
    gaussian *term = &to->all->gaussians[to->all->gaussian_count++];
    term->mean = mean;
    term->sd = sd;
    if (snprintf(term->name, sizeof term->name, "%s", name) >= (int)sizeof term->name)
        return cosmology_fail(to->why, MOTE_EINVAL, "%s: %s: the name is too long", where(to, key), key);
    return MOTE_OK;
}

/* Keys of the form PREFIX.NAME. */
static int for_keys(opening *to, const char *prefix, int (*each)(opening *to, const char *key))
{
    const char *key;
    for (int64_t i = 0; to->section && (key = to->host->config_key(to->section, i)); ++i) {
        const int status = strncmp(key, prefix, strlen(prefix)) ? MOTE_OK : each(to, key);
        if (status)
            return status;
    }
    return MOTE_OK;
}

/* Terms on these bring h into the model. */
static int64_t gaussian_needs(const cosmology *all)
{
    static const char *const names[] = { "h", "H0", "age", "r_d" };
    for (int64_t i = 0; i < all->gaussian_count; ++i)
        for (size_t k = 0; k < sizeof names / sizeof *names; ++k)
            if (!strcmp(all->gaussians[i].name, names[k]))
                return PARAMETERS_H;
    return 0;
}

/* ---- the section ---------------------------------------------------------------------------------------------- */
static int read_model(opening *to)
{
    const char *name = to->host->config_get(to->section, "model", "lcdm");
    to->all->model = cosmology_physics(name);
    if (to->all->model)
        return MOTE_OK;
    int64_t count;
    const char *const *names = cosmology_physics_names(&count);
    const char *near = cosmology_nearest(name, names, count);
    return cosmology_fail(to->why, MOTE_EINVAL, "%s: model: unknown model '%.40s'%s%s%s (there are lcdm olcdm wcdm "
                          "owcdm cpl owacdm nulcdm nuowacdm)", where(to, "model"), name, near ? "; did you mean " : "",
                          near ? near : "", near ? "?" : "");
}

static int read_sound_horizon(opening *to)
{
    const char *value = to->host->config_get(to->section, "sound_horizon", "free");
    to->all->sound_horizon = !strcmp(value, "computed");
    if (to->all->sound_horizon || !strcmp(value, "free"))
        return MOTE_OK;
    return cosmology_fail(to->why, MOTE_EINVAL, "%s: sound_horizon: expected 'free' or 'computed', not '%.40s'",
                          where(to, "sound_horizon"), value);
}

static int read_section(opening *to)
{
    int status = read_model(to);
    if (!status)
        status = get_truth(to, "allow_overlap", 0, &to->allow_overlap);
    if (!status)
        status = get_truth(to, "derived", 1, &to->all->derived_shown);
    if (!status)
        status = get_truth(to, "radiation", 0, &to->all->radiation);
    if (!status)
        status = read_sound_horizon(to);
    if (!status)
        status = for_words(to, to->host->config_get(to->section, "data", ""), select_named);
    if (!status)
        status = open_selected(to);
    if (!status)
        status = for_keys(to, "bao.", open_custom);
    if (!status)
        status = for_keys(to, "gaussian.", read_gaussian);
    return status;
}

/* 1 when the ini says "radiation = no" in so many words. */
static int radiation_refused(const opening *to)
{
    return get(to, "radiation") && !to->all->radiation;
}

static int open_all(opening *to)
{
    cosmology *all = to->all;
    int status = read_section(to);
    if (!status && all->set_count == 0 && all->gaussian_count == 0)
        status = cosmology_fail(to->why, MOTE_EINVAL, "%s: data: no data set is named", where(to, "data"));
    if (!status && !to->allow_overlap)
        status = cosmology_exclusion(all->sets, all->set_count, to->why);
    if (status)
        return status;
    int64_t needs = gaussian_needs(all);
    for (int64_t i = 0; i < all->set_count; ++i)
        needs |= all->sets[i].needs;
    if (all->sound_horizon || all->model->neutrinos || (needs & PARAMETERS_CMB)) {
        if (radiation_refused(to))
            return cosmology_fail(to->why, MOTE_EINVAL, "%s: radiation: CMB data, neutrino models and a computed sound "
                                  "horizon need it", where(to, "radiation"));
        all->radiation = 1;
    }
    status = cosmology_assemble(all, needs, to->why);
    const char *inequalities = get(to, "constraint");
    if (status || !inequalities)
        return status;
    all->target.constraint = cosmology_inside;
    return cosmology_constraints_read(all, inequalities, where(to, "constraint"), to->why);
}

static void release(void *ctx)
{
    cosmology *all = ctx;
    for (int64_t i = 0; all && i < all->set_count; ++i)
        cosmology_set_close(&all->sets[i]);
    if (all)
        cosmology_plan_free(&all->redshifts);
    free(all);
}

/* Numbers in files have a decimal point, whatever the program's locale says. */
static int open_in_c_locale(opening *to)
{
    const locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (plain == (locale_t)0)
        return cosmology_fail(to->why, MOTE_ENOMEM, "out of memory");
    const locale_t before = uselocale(plain);
    const int status = open_all(to);
    uselocale(before);
    freelocale(plain);
    return status;
}

MOTE_PLUGIN_ENTRY(const mote_host *host, const mote_config *section, mote_model *model)
{
    cosmology *all = calloc(1, sizeof *all);
    if (!all)
        return MOTE_ENOMEM;
    model->release = release;
    model->ctx = all;
    all->exponential = host->exp;
    all->logarithm = host->log;
    opening to = { .host = host, .section = section, .all = all, .why = &all->why };
    const int status = open_in_c_locale(&to);
    if (status)
        host->error(host->ctx, all->why.text);
    else
        model->target = &all->target;
    return status;
}
