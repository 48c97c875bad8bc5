/* SPDX-License-Identifier: BSD-3-Clause */
/* scan-objects - what a survey found, as objects of doc/api.md. */
#pragma once

#include "base/js.h"
#include "target/ctl.h"
#include "target/scan.h"
#include "target/survey.h"

/* Append all objects; a failed allocation is remembered in @objects (js.h). */
void scan_add_objects(struct ctl *ctl, const struct scan_env *env, const struct survey *survey,
		      struct js *objects);

/* Append a drive object for each drive of this host. */
void scan_add_drives(struct ctl *ctl, const struct survey *survey, struct js *objects);

/* Append a value as an object of @kind and @id. */
void scan_add(struct js *objects, const char *kind, const char *id, struct js *take_attrs);
