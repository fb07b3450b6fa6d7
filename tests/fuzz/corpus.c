/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a fuzz target without a fuzzer: over each file of its corpus folder, over every shorter version of it, and
 * over versions with one byte changed. A plain program: it crashes or it passes. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LARGEST = 65536, BENDS = 2000 };

/* From an exactly sized block, so that a sanitizer sees one byte too far. */
static void feed(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        exit(1);
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void feed_variants(uint8_t *data, size_t size)
{
    uint64_t word = size;
    feed(data, size);
    for (size_t length = 0; length < size; length += 1 + size / 500)
        feed(data, length);
    for (int i = 0; size && i < BENDS; ++i) {
        word = word * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint8_t *place = data + (word >> 33) % size, before = *place;
        *place = i % 2 ? (uint8_t)(word >> 25) : (uint8_t)"\n[]=;# \0"[(word >> 25) % 8];
        feed(data, size);
        *place = before;
    }
}

int main(int count, char **arguments)
{
    static uint8_t data[LARGEST];
    char path[4096];
    const char *name = count > 1 ? arguments[1] : MOTE_FUZZ_CORPUS;
    int files = 0;
    DIR *folder = opendir(name);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        int length = snprintf(path, sizeof path, "%s/%s", name, entry->d_name);
        FILE *stream = entry->d_name[0] != '.' && length < (int)sizeof path ? fopen(path, "rb") : NULL;
        if (!stream)
            continue;
        size_t size = fread(data, 1, sizeof data, stream);
        fclose(stream);
        feed_variants(data, size);
        ++files;
    }
    if (folder)
        closedir(folder);
    printf("%s - %d files of %s\n", files ? "ok" : "not ok", files, name);
    return files ? 0 : 1;
}
