/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote completion SHELL: a completion script, made from the tables of verbs, flags and options.
 *     bash:  source <(mote completion bash)
 *     zsh:   mote completion zsh > ~/.zfunc/_mote */
#include <string.h>

#include "cli/cli.h"

/* Prints "--flag" words of a verb, separated by blanks, with dashes for underscores. */
static void print_word(const char *word)
{
    printf(" --");
    for (; *word; ++word)
        putchar(*word == '_' ? '-' : *word);
}

static void print_flags(const mote_verb *verb)
{
    const mote_algorithm *algorithm;
    printf("--help");
    for (const mote_flag *flag = verb->flags; flag && flag->name; ++flag)
        print_word(flag->name);
    for (int64_t i = 0; verb->has_options && (algorithm = mote_algorithm_at(i)); ++i) {
        const mote_option_table *table = mote_algorithm_options(algorithm);
        for (int64_t k = 0; k < table->count; ++k)
            if (i == 0 || !mote_option_is_common(table->options[k].key))
                print_word(table->options[k].key);
    }
}

static void print_cases(const char *format_start, const char *format_end)
{
    const mote_verb *verb;
    for (int64_t i = 0; (verb = mote_verb_at(i)); ++i) {
        printf("        %s) %s", verb->name, format_start);
        print_flags(verb);
        printf("%s;;\n", format_end);
    }
}

static void print_verbs(void)
{
    const mote_verb *verb;
    for (int64_t i = 0; (verb = mote_verb_at(i)); ++i)
        printf("%s%s", i ? " " : "", verb->name);
}

static void bash(void)
{
    printf("# completion of mote %s for bash\n_mote()\n{\n    local word=${COMP_WORDS[COMP_CWORD]} flags=\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W \"", mote_version());
    print_verbs();
    printf(" --help --version\" -- \"$word\"))\n        return\n    fi\n    case ${COMP_WORDS[1]} in\n");
    print_cases("flags=\"", "\"");
    printf("    esac\n    case $word in\n"
           "        -*) COMPREPLY=($(compgen -W \"$flags\" -- \"$word\")) ;;\n"
           "        *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n    esac\n}\ncomplete -o filenames -F _mote mote\n");
}

static void zsh(void)
{
    printf("#compdef mote\n# completion of mote %s for zsh\n_mote()\n{\n    local -a flags\n"
           "    if (( CURRENT == 2 )); then\n        compadd -- ", mote_version());
    print_verbs();
    printf(" --help --version\n        return\n    fi\n    case $words[2] in\n");
    print_cases("flags=(", ")");
    printf("    esac\n    if [[ $words[CURRENT] == -* ]]; then\n        compadd -- $flags\n    else\n        _files\n"
           "    fi\n}\nif [[ $funcstack[1] == _mote ]]; then\n    _mote\nelse\n    compdef _mote mote\nfi\n");
}

static int run(const mote_arguments *arguments)
{
    const char *shell = arguments->count == 1 ? arguments->operands[0] : "";
    if (!strcmp(shell, "bash"))
        bash();
    else if (!strcmp(shell, "zsh"))
        zsh();
    else
        return mote_complain(MOTE_EXIT_USAGE, "completion: name a shell: bash or zsh");
    return 0;
}

const mote_verb mote_verb_completion = {
    .name = "completion",
    .operands = "bash|zsh",
    .help = "Print a completion script for a shell",
    .details = "bash:  source <(mote completion bash)\nzsh:   mote completion zsh > _mote, in a folder of $fpath",
    .run = run,
};
