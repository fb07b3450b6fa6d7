/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all plots share: files, terminals, tics. */
#include "io/plot.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int mote_plot_open(mote_table *table, const mote_plot_options *options, const char *name, const char *ending)
{
    char root[MOTE_PATH_SIZE];
    const char *folder = options->folder && *options->folder ? options->folder : ".";
    if (mkdir(folder, 0777) && errno != EEXIST)
        return mote_output_fail(errno == ENOENT ? MOTE_ENOENT : MOTE_EIO, "%s: the folder cannot be made", folder);
    if (strchr(name, '/') || snprintf(root, sizeof root, "%s/%s", folder, name) >= (int)sizeof root)
        return mote_output_fail(MOTE_EINVAL, "%s: not a name of a plot", name);
    return mote_table_open(table, root, ending);
}

/* 1 for a known terminal; its endings and options are below. */
static int known(const char *terminal)
{
    return strcmp(terminal, "png") == 0 || strcmp(terminal, "svg") == 0 || strcmp(terminal, "pdf") == 0;
}

int mote_plot_begin(mote_table *script, const mote_plot_options *options, const char *name, double width, double height,
                    double points)
{
    const char *terminal = options->terminal ? options->terminal : "png";
    char a[MOTE_PLOT_NUMBER], b[MOTE_PLOT_NUMBER], c[MOTE_PLOT_NUMBER];
    if (!known(terminal))
        return mote_output_fail(MOTE_EINVAL, "terminal %s: expected png, svg or pdf", terminal);
    int status = mote_plot_open(script, options, name, ".gp");
    if (status)
        return status;
    int pdf = terminal[1] == 'd', svg = terminal[0] == 's';
    mote_table_format(script, "# gnuplot -c FOLDER/%s.gp FOLDER\n", name);
    mote_table_text(script, "folder = (ARGC > 0 ? ARG1 : '.')\n");
    mote_table_format(script, "data = folder.'/%s.dat'\n", name);
    mote_table_format(script, "set terminal %s size %s,%s enhanced font 'DejaVu Sans,%s'%s background rgb 'white'\n",
                      pdf ? "pdfcairo" : svg ? "svg" : "pngcairo", mote_plot_fixed(a, pdf ? width / 150 : width, pdf ? 3 : 0),
                      mote_plot_fixed(b, pdf ? height / 150 : height, pdf ? 3 : 0),
                      mote_plot_fixed(c, pdf ? points * 0.6 : points, 1), svg ? " dynamic" : "");
    mote_table_format(script, "set output folder.'/%s.%s'\n", name, terminal);
    mote_table_text(script, "set encoding utf8\nset decimalsign '.'\nunset key\n"
                            "set border lw 1.6 lc rgb '#404040'\nset tics scale 0.6 front textcolor rgb '#202020'\n"
                            "set style fill solid noborder\nset multiplot\n");
    return MOTE_OK;
}

char *mote_plot_fixed(char *text, double value, int decimals)
{
    double scaled = round(fabs(value) * pow(10, decimals));
    if (!(scaled < 9e15)) {
        snprintf(text, MOTE_PLOT_NUMBER, "%s", value > 0 ? "inf" : "-inf");
        return text;
    }
    long long whole = (long long)scaled, unit = (long long)pow(10, decimals);
    const char *sign = value < 0 && whole ? "-" : "";
    if (decimals > 0)
        snprintf(text, MOTE_PLOT_NUMBER, "%s%lld.%0*lld", sign, whole / unit, decimals < 16 ? decimals : 16, whole % unit);
    else
        snprintf(text, MOTE_PLOT_NUMBER, "%s%lld", sign, whole);
    return text;
}

/* Text of k * step, step = mantissa 10^power: fixed where that is short, else with a power of ten. */
static void tic_text(char *text, long long k, int mantissa, int power)
{
    long long value = k * mantissa;
    if (power >= 0 && power < 5) {
        snprintf(text, MOTE_PLOT_NUMBER, "%lld", value * (long long)pow(10, power));
    } else if (power < 0 && power > -5) {
        mote_plot_fixed(text, (double)value * pow(10, power), -power);
    } else if (value == 0) {
        snprintf(text, MOTE_PLOT_NUMBER, "0");
    } else {
        int digits = 0;
        for (long long v = value < 0 ? -value : value; v >= 10; v /= 10)
            ++digits;
        char mantissa_text[MOTE_PLOT_NUMBER];
        mote_plot_fixed(mantissa_text, (double)value / pow(10, digits), digits);
        snprintf(text, MOTE_PLOT_NUMBER, "%.20s·10^{%d}", mantissa_text, power + digits);
    }
}

/* Round tics over a range: k step for k = first .. last, step = mantissa 10^power. */
struct tics {
    double step;
    int mantissa, power;
    long long first, last;
};

static struct tics find_tics(double lower, double upper, int wanted)
{
    double rough = (upper - lower) / (wanted + 0.2), margin = (wanted > 3 ? 0 : 0.09) * (upper - lower);
    struct tics t = { .power = (int)floor(log10(rough)) };
    double unit = rough / pow(10, t.power);
    t.mantissa = unit < 1.5 ? 1 : unit < 3.2 ? 2 : unit < 7 ? 5 : 10;
    if (t.mantissa == 10) {
        t.mantissa = 1;
        ++t.power;
    }
    t.step = t.mantissa * pow(10, t.power);
    t.first = (long long)ceil((lower + margin) / t.step);
    t.last = (long long)floor((upper - margin) / t.step);
    return t;
}

/* 1 when the texts of every `every`-th tic would touch each other under a panel that is 22 characters wide. */
static int is_crowded(const struct tics *t, long long every)
{
    char text[MOTE_PLOT_NUMBER];
    double width = 0;
    for (long long k = t->first; k <= t->last; ++k)
        if (k % every == 0) {
            tic_text(text, k, t->mantissa, t->power);
            width += (double)strlen(text) + 1.5;
        }
    return width > 22.2;
}

void mote_plot_tics(mote_table *script, char axis, double lower, double upper, int wanted, int bare)
{
    struct tics t = find_tics(lower, upper, wanted);
    long long every = 1;
    while (wanted <= 3 && axis == 'x' && every < 4 && is_crowded(&t, every))
        ++every;
    mote_table_format(script, "set %ctics (", axis);
    for (long long k = t.first; k <= t.last; ++k) {
        char text[MOTE_PLOT_NUMBER];
        tic_text(text, k, t.mantissa, t.power);
        mote_table_format(script, "%s'%s' ", k > t.first ? ", " : "", bare || k % every ? "" : text);
        mote_table_short(script, (double)k * t.step);
    }
    mote_table_text(script, ")\n");
}

void mote_plot_place(mote_table *script, double left, double right, double bottom, double top)
{
    const char *names = "lrbt";
    double at[] = { left, right, bottom, top };
    for (int i = 0; i < 4; ++i) {
        char text[MOTE_PLOT_NUMBER];
        mote_table_format(script, "set %cmargin at screen %s\n", names[i], mote_plot_fixed(text, at[i], 5));
    }
}
