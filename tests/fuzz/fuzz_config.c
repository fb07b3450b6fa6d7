/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: any bytes as an ini file. What parses must survive being asked for everything. Built by `make fuzz`
 * with clang's libFuzzer; `make check` runs the same function over the corpus and over cut and bent versions of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const mote_config *section, const char *key)
{
    char path[256], message[64];
    double real;
    int64_t integer;
    if (!mote_config_get(section, key, NULL) || !mote_config_where(section, key))
        abort(); /* a listed key has a value and a place */
    mote_config_real(section, key, 0, &real, message, sizeof message);
    mote_config_integer(section, key, 0, &integer, message, sizeof message);
    mote_config_truth(section, key, 0, &integer, message, sizeof message);
    mote_config_path(section, mote_config_get(section, key, NULL), path, sizeof path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mote_memory memory;
    mote_message message;
    mote_config *file;
    mote_memory_open(&memory, NULL);
    message.text[0] = '\0';
    if (mote_config_open(&file, &memory, (const char *)data, (int64_t)size, "fuzz.ini", &message)) {
        if (file || strncmp(message.text, "fuzz.ini:", 9))
            abort(); /* every refusal names the file */
        return 0;
    }
    for (int64_t s = 0; mote_config_section_name(file, s); ++s) {
        const mote_config *section = mote_config_section(file, mote_config_section_name(file, s));
        for (int64_t k = 0; mote_config_key(section, k); ++k)
            ask(section, mote_config_key(section, k));
        if (mote_config_unused(section))
            abort();
    }
    mote_config_free(&file);
    return 0;
}
