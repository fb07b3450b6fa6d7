/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that `mote new` writes. */
#ifndef MOTE_CLI_TEMPLATES_H
#define MOTE_CLI_TEMPLATES_H

extern const char mote_target_model[], mote_target_makefile[], mote_target_ini[];
extern const char mote_ssm_model[], mote_ssm_makefile[], mote_ssm_ini[], mote_ssm_data[];

#endif
