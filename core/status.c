/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Status codes as text, both ways, from the one list in mote/status.h. */
#include <mote/status.h>
#include <string.h>

static const struct entry {
    int value;
    const char *name, *text;
} entries[] = {
#define ENTRY(name, value, text) { value, "MOTE_" #name, text },
    MOTE_STATUS_LIST(ENTRY)
#undef ENTRY
};

static const struct entry *find(int status)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; ++i)
        if (entries[i].value == status)
            return &entries[i];
    return NULL;
}

const char *mote_strerror(int status)
{
    const struct entry *entry = find(status);
    return entry ? entry->text : status < 0 ? "a code of the user's model" : "an unknown status code";
}

const char *mote_status_name(int status)
{
    const struct entry *entry = find(status);
    return entry ? entry->name : NULL;
}

int mote_status_from_name(const char *name)
{
    for (size_t i = 0; name && i < sizeof entries / sizeof *entries; ++i)
        if (!strcmp(entries[i].name, name))
            return entries[i].value;
    return -1;
}

const char *mote_version(void)
{
    return MOTE_VERSION_STRING;
}
