/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the program stands, and what it finds from there: its plug-ins, its worker program, the headers. `program` is
 * argv[0], which tells the place only where the system does not, and only with a slash or through PATH. */
#ifndef MOTE_CLI_PLACE_H
#define MOTE_CLI_PLACE_H

#include <mote/config.h>

/* The folder of the running program, absolute and without links, so that it is the same by whatever name the program
 * was called. Of build/.libs/mote, which libtool's script build/mote starts, it is build. 1: found. */
int mote_program_folder(const char *program, char *folder, size_t size);

/* Finds the object of a plug-in: beside the ini file, in .libs beside it, in MOTE_PLUGIN_PATH, beside the program (in
 * .libs), where plug-ins are installed. 0, or an exit code after a message. */
int mote_find_plugin(const char *program, const mote_config *section, const char *name, char *path, size_t size);

/* mote-worker beside the program, where a build has it. 1: found; 0: the installed one is meant. */
int mote_find_worker(const char *program, char *path, size_t size);

/* What a shell calls to run this program again: "mote" when PATH leads to it, its path else. */
void mote_program_command(const char *program, char *command, size_t size);

/* The folder of mote/plugin.h: of the sources that the program was built from, or include beside the folder that it is
 * installed in. *built: 1 in a build's folder. 1: found. */
int mote_header_folder(const char *program, char *folder, size_t size, int *built);

#endif
