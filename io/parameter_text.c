/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/parameter_text.h"

#include <math.h>
#include <string.h>

void mote_parameter_range(const mote_parameter *parameter, double *lower, double *upper)
{
    *lower = -INFINITY;
    *upper = INFINITY;
    switch (parameter->prior) {
    case MOTE_PRIOR_NONE:
    case MOTE_PRIOR_SORTED:
        *lower = parameter->argument[0];
        *upper = parameter->argument[1];
        break;
    case MOTE_PRIOR_DIRICHLET:
        *lower = 0;
        *upper = 1;
        break;
    case MOTE_PRIOR_CONDITIONAL:
    case MOTE_PRIOR_DERIVED:
        break;
    default:
        mote_prior_support(parameter, lower, upper);
    }
}

int mote_write_paramnames(const mote_parameter *parameters, int64_t count, const char *root)
{
    mote_table table;
    int status = mote_table_open(&table, root, ".paramnames");
    if (status)
        return status;
    for (int64_t i = 0; i < count; ++i) {
        const mote_parameter *p = &parameters[i];
        mote_table_text(&table, p->name);
        mote_table_text(&table, p->prior == MOTE_PRIOR_DERIVED ? "*\t" : "\t");
        /* Readers split at blanks and take the rest of the line: a line break would start a new parameter. */
        for (const char *c = p->label ? p->label : p->name; *c; ++c)
            mote_table_text(&table, (char[]){ *c == '\n' || *c == '\r' ? ' ' : *c, 0 });
        mote_table_end_row(&table);
    }
    return mote_table_close(&table);
}

/* ---- labels ---- */

/* Commands of LaTeX that labels use, with their character. */
static const struct { const char *name, *text; } symbols[] = {
    { "alpha", "α" }, { "beta", "β" }, { "gamma", "γ" }, { "delta", "δ" }, { "epsilon", "ε" },
    { "varepsilon", "ε" }, { "zeta", "ζ" }, { "eta", "η" }, { "theta", "θ" }, { "vartheta", "ϑ" },
    { "iota", "ι" }, { "kappa", "κ" }, { "lambda", "λ" }, { "mu", "μ" }, { "nu", "ν" }, { "xi", "ξ" },
    { "pi", "π" }, { "rho", "ρ" }, { "sigma", "σ" }, { "tau", "τ" }, { "upsilon", "υ" }, { "phi", "φ" },
    { "varphi", "φ" }, { "chi", "χ" }, { "psi", "ψ" }, { "omega", "ω" }, { "Gamma", "Γ" }, { "Delta", "Δ" },
    { "Theta", "Θ" }, { "Lambda", "Λ" }, { "Xi", "Ξ" }, { "Pi", "Π" }, { "Sigma", "Σ" }, { "Upsilon", "Υ" },
    { "Phi", "Φ" }, { "Psi", "Ψ" }, { "Omega", "Ω" }, { "ell", "ℓ" }, { "hbar", "ħ" }, { "infty", "∞" },
    { "odot", "⊙" }, { "times", "×" }, { "cdot", "·" }, { "pm", "±" }, { "sim", "~" }, { "approx", "≈" },
    { "sum", "∑" }, { "partial", "∂" }, { "nabla", "∇" }, { "star", "⋆" }, { "ast", "∗" }, { "prime", "′" },
    { "langle", "⟨" }, { "rangle", "⟩" }, { "rightarrow", "→" }, { "to", "→" }, { "leq", "≤" }, { "geq", "≥" },
    { "le", "≤" }, { "ge", "≥" }, { "deg", "°" }, { "circ", "°" }, { "log", "log" }, { "ln", "ln" },
    { "exp", "exp" }, { "quad", " " }, { "qquad", "  " },
    /* fonts and sizes: the argument stays as it is */
    { "mathrm", "" }, { "rm", "" }, { "text", "" }, { "textrm", "" }, { "mathcal", "" }, { "mathbf", "" },
    { "bf", "" }, { "mathit", "" }, { "it", "" }, { "textit", "" }, { "boldsymbol", "" }, { "operatorname", "" },
    { "left", "" }, { "right", "" }, { "displaystyle", "" }, { "rmfamily", "" }, { "mathsf", "" },
};

struct label {
    char *text;
    size_t size, used;
};

static void append(struct label *out, const char *text)
{
    size_t n = strlen(text);
    if (out->used + n + 1 > out->size) /* whole pieces only: no half character, no open brace of ours */
        return;
    memcpy(out->text + out->used, text, n + 1);
    out->used += n;
}

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The text of the command whose letters start at `at`, and their number: "" for fonts, NULL for unknown ones. */
static const char *find_symbol(const char *at, size_t *n)
{
    *n = 0;
    while (is_letter(at[*n]))
        ++*n;
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; ++i)
        if (strlen(symbols[i].name) == *n && memcmp(symbols[i].name, at, *n) == 0)
            return symbols[i].text;
    return NULL;
}

/* One command behind a backslash; returns what follows it. */
static const char *append_command(struct label *out, const char *at)
{
    size_t n;
    const char *text = find_symbol(at, &n);
    if (n == 0) { /* \, \; \_ \% ... */
        if (*at && strchr(",;: ", *at))
            append(out, " ");
        else if (*at && strchr("_^{}", *at))
            append(out, (char[]){ '\\', *at, 0 });
        else if (*at && !strchr("!'`", *at))
            append(out, (char[]){ *at, 0 });
        return *at ? at + 1 : at;
    }
    if (text)
        append(out, text);
    for (size_t i = 0; i < n && !text; ++i)
        append(out, (char[]){ at[i], 0 });
    at += n;
    return *at == ' ' ? at + 1 : at; /* TeX swallows the blank behind a command */
}

/* One character of UTF-8. */
static const char *append_character(struct label *out, const char *at)
{
    char piece[5] = "";
    size_t n = 0;
    do
        piece[n] = at[n];
    while (++n < 4 && ((unsigned char)at[n] & 0xC0) == 0x80);
    append(out, *piece == '\'' ? "''" : *piece == '`' ? "" : piece);
    return at + n;
}

/* The argument of _ or ^: a group, a command, or one character. Braces make gnuplot's grouping explicit. */
static const char *append_script(struct label *out, const char *at)
{
    size_t n;
    append(out, (char[]){ *at++, 0 });
    for (const char *font; *at == '\\' && (font = find_symbol(at + 1, &n)) && !*font;)
        at += 1 + n + (at[1 + n] == ' ');
    if (*at == '{')
        return at;
    append(out, "{");
    if (*at == '\\')
        at = append_command(out, at + 1);
    else if (*at)
        at = append_character(out, at);
    append(out, "}");
    return at;
}

/* One byte of text for a single-quoted string: `escaped` characters get a backslash, `dropped` ones vanish. */
static void append_plain(struct label *out, char c, const char *escaped, const char *dropped)
{
    if ((unsigned char)c < ' ' || strchr(dropped, c))
        return;
    if (c == '\'')
        append(out, "''");
    else
        append(out, strchr(escaped, c) ? (char[]){ '\\', c, 0 } : (char[]){ c, 0 });
}

void mote_text_to_gnuplot(const char *plain, char *text, size_t size)
{
    struct label out = { text, size, 0 };
    if (size)
        text[0] = 0;
    for (; size && *plain; ++plain)
        append_plain(&out, *plain, "@&~_^{}", "`\\");
}

void mote_label_to_gnuplot(const char *latex, char *text, size_t size)
{
    struct label out = { text, size, 0 };
    if (!size)
        return;
    text[0] = 0;
    while (*latex)
        if (*latex == '\\')
            latex = append_command(&out, latex + 1);
        else if (*latex == '_' || *latex == '^')
            latex = append_script(&out, latex);
        else {
            append_plain(&out, *latex, "@&~", "$`");
            ++latex;
        }
}
