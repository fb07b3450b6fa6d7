/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of sources, and what their files share. */
#ifndef MOTE_CORE_SOURCE_TABLES_H
#define MOTE_CORE_SOURCE_TABLES_H

#include "core/source.h"

extern const mote_source_table mote_source_table_live;

#endif
