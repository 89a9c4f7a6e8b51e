#pragma once

#include "cli/cli.h"

/* The result as POST /v1/run gives it, on stdout, with a newline. False where it cannot be written. */
bool run_json_print(const struct glimpse_result *result);
