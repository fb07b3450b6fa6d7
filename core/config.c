/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The contents of an ini file: sections of keys and values that know where they were written and whether somebody
 * asked for them. */
#include "core/config_parts.h"

#include <stdio.h>
#include <string.h>

#include "core/number.h"

mote_config *mote_config_create(const mote_memory *memory, const char *name, const char *where)
{
    mote_config *config = mote_memory_allocate(memory, 1, sizeof *config);
    if (!config)
        return NULL;
    config->memory = *memory;
    config->name = mote_memory_copy_text(memory, name);
    config->where = mote_memory_copy_text(memory, where);
    if (!config->name || !config->where)
        mote_config_free(&config);
    return config;
}

static void release_entry(const mote_memory *memory, mote_config_entry *entry)
{
    mote_memory_release(memory, entry->key);
    mote_memory_release(memory, entry->value);
    mote_memory_release(memory, entry->where);
}

void mote_config_free(mote_config **file)
{
    if (!file || !*file)
        return;
    mote_config *config = *file;
    mote_memory memory = config->memory;
    for (int64_t i = 0; i < config->section_count; ++i)
        mote_config_free(&config->sections[i]);
    for (int64_t i = 0; i < config->entry_count; ++i)
        release_entry(&memory, &config->entries[i]);
    mote_memory_release(&memory, config->sections);
    mote_memory_release(&memory, config->entries);
    mote_memory_release(&memory, config->name);
    mote_memory_release(&memory, config->where);
    mote_memory_release(&memory, config);
    *file = NULL;
}

static mote_config *find_section(const mote_config *file, const char *name)
{
    for (int64_t i = 0; file && name && i < file->section_count; ++i)
        if (!strcmp(file->sections[i]->name, name))
            return file->sections[i];
    return NULL;
}

mote_config_entry *mote_config_entry_of(const mote_config *section, const char *key)
{
    for (int64_t i = 0; section && key && i < section->entry_count; ++i)
        if (!strcmp(section->entries[i].key, key))
            return &section->entries[i];
    return NULL;
}

/* Room for one more element: capacities are powers of two, so that the count tells when to grow. */
static void *one_more(const mote_memory *memory, void *array, int64_t count, size_t size)
{
    if (count & (count - 1))
        return array;
    return mote_memory_resize(memory, array, count, count ? 2 * count : 1, size);
}

int mote_config_add_section(mote_config *file, const char *name, const char *where, mote_config **section)
{
    if (file->section_count >= MOTE_CONFIG_SECTIONS)
        return MOTE_EOPTION;
    mote_config **sections = one_more(&file->memory, file->sections, file->section_count, sizeof *sections);
    if (!sections)
        return MOTE_ENOMEM;
    file->sections = sections;
    mote_config *fresh = mote_config_create(&file->memory, name, where);
    if (!fresh)
        return MOTE_ENOMEM;
    fresh->file = file;
    sections[file->section_count++] = fresh;
    *section = fresh;
    return MOTE_OK;
}

int mote_config_add_entry(mote_config *section, const char *key, const char *value, const char *where)
{
    const mote_memory *memory = &section->memory;
    if (section->entry_count >= MOTE_CONFIG_KEYS)
        return MOTE_EOPTION;
    mote_config_entry *entries = one_more(memory, section->entries, section->entry_count, sizeof *entries);
    if (!entries)
        return MOTE_ENOMEM;
    section->entries = entries;
    mote_config_entry entry = { mote_memory_copy_text(memory, key), mote_memory_copy_text(memory, value),
                                mote_memory_copy_text(memory, where), 0 };
    if (!entry.key || !entry.value || !entry.where) {
        release_entry(memory, &entry);
        return MOTE_ENOMEM;
    }
    entries[section->entry_count++] = entry;
    return MOTE_OK;
}

const mote_config *mote_config_section(const mote_config *file, const char *name)
{
    return find_section(file, name);
}

static int replace_value(mote_config *section, mote_config_entry *entry, const char *value, const char *where)
{
    mote_config_entry fresh = { NULL, mote_memory_copy_text(&section->memory, value),
                                mote_memory_copy_text(&section->memory, where), 0 };
    if (!fresh.value || !fresh.where) {
        release_entry(&section->memory, &fresh);
        return MOTE_ENOMEM;
    }
    fresh.key = entry->key;
    entry->key = NULL;
    release_entry(&section->memory, entry);
    *entry = fresh;
    return MOTE_OK;
}

/* A name that a file could hold too. */
static int is_name(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && length <= MOTE_CONFIG_NAME && !strpbrk(text, "=[]:;#\r\n") && text[0] != ' ' &&
           text[0] != '\t' && text[length - 1] != ' ' && text[length - 1] != '\t';
}

int mote_config_set(mote_config *file, const char *section, const char *key, const char *value)
{
    static const char where[] = "(set)"; /* no line of any file */
    if (!file || file->file || !section || !key || !value || !is_name(section) || !is_name(key) ||
        strpbrk(value, "\r\n") || strlen(value) > MOTE_CONFIG_LINE)
        return MOTE_EINVAL;
    mote_config *place = find_section(file, section);
    int status = place ? MOTE_OK : mote_config_add_section(file, section, where, &place);
    if (status)
        return status;
    mote_config_entry *entry = mote_config_entry_of(place, key);
    return entry ? replace_value(place, entry, value, where) : mote_config_add_entry(place, key, value, where);
}

const char *mote_config_get(const mote_config *section, const char *key, const char *standard)
{
    mote_config_entry *entry = mote_config_entry_of(section, key);
    if (!entry)
        return standard;
    entry->used = 1;
    return entry->value;
}

static int refuse(const mote_config *section, const char *key, const char *expected, char *message, size_t size)
{
    const mote_config_entry *entry = mote_config_entry_of(section, key);
    return mote_fail_text(message, size, MOTE_EPARSE, "%s: %s: '%.200s' is not %s", entry->where, key, entry->value,
                          expected);
}

int mote_config_real(const mote_config *section, const char *key, double standard, double *value, char *message,
                     size_t size)
{
    const char *text = mote_config_get(section, key, NULL);
    if (!text)
        *value = standard;
    else if (mote_number_parse(text, value))
        return refuse(section, key, "a number", message, size);
    return MOTE_OK;
}

int mote_config_integer(const mote_config *section, const char *key, int64_t standard, int64_t *value, char *message,
                        size_t size)
{
    const char *text = mote_config_get(section, key, NULL);
    if (!text)
        *value = standard;
    else if (mote_number_parse_integer(text, value))
        return refuse(section, key, "a whole number", message, size);
    return MOTE_OK;
}

int mote_config_truth(const mote_config *section, const char *key, int64_t standard, int64_t *value, char *message,
                      size_t size)
{
    static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };
    const char *text = mote_config_get(section, key, NULL);
    if (!text) {
        *value = standard;
        return MOTE_OK;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i)
        if (!strcmp(text, words[i])) {
            *value = i % 2;
            return MOTE_OK;
        }
    return refuse(section, key, "yes or no", message, size);
}

const char *mote_config_key(const mote_config *section, int64_t index)
{
    return section && index >= 0 && index < section->entry_count ? section->entries[index].key : NULL;
}

const char *mote_config_section_name(const mote_config *file, int64_t index)
{
    return file && index >= 0 && index < file->section_count ? file->sections[index]->name : NULL;
}

const char *mote_config_where(const mote_config *section, const char *key)
{
    const mote_config_entry *entry = mote_config_entry_of(section, key);
    return key ? entry ? entry->where : NULL : section ? section->where : NULL;
}

const char *mote_config_unused(const mote_config *section)
{
    for (int64_t i = 0; section && i < section->entry_count; ++i)
        if (!section->entries[i].used)
            return section->entries[i].key;
    return NULL;
}

int mote_config_path(const mote_config *section, const char *value, char *path, size_t size)
{
    const mote_config *file = section && section->file ? section->file : section;
    if (!value || !*value || !path || !size)
        return MOTE_EINVAL;
    const char *slash = file && *value != '/' ? strrchr(file->name, '/') : NULL;
    int folder = slash ? (int)(slash + 1 - file->name) : 0;
    int length = snprintf(path, size, "%.*s%s", folder, slash ? file->name : "", value);
    return length >= 0 && (size_t)length < size ? MOTE_OK : MOTE_EINVAL;
}
