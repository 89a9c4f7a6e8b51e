/* serve_dirs: the folders that the two daemons share. */
#pragma once

#include "base/err.h"
#include "model/config.h"

/*
 * data_dir (root:group 1770): glimpsed makes its database there, but cannot rename or replace what root made.
 * run_dir (root:group 0750): glimpse-boxd makes its socket there, glimpsed may only connect.
 * New and empty folders get these owners and modes; one that has content must have them, or it is not ours.
 */
MUST_CHECK int serve_make_dirs(const struct config *config, gid_t group, struct err *err);
