/* config_check: whether settings fit each other and this machine. */
#pragma once

#include "model/config.h"

struct config_findings {
    size_t n_faults, n_warnings;
};

/* config.c: prints, and counts. */
void config_warn(struct config_findings *findings, const char *sentence);
void config_fault(struct config_findings *findings, const char *sentence);

/* origins: as in struct config_report. */
void config_check_all(struct config_findings *findings, const struct config *config,
                      const struct config_origin *origins);
