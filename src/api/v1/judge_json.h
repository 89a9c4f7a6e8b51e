/* judge_json: POST /v1/judge: JSON text -> struct judging_request, outcomes -> JSON text. The reader is pure, and a
 * fuzz target. */
#pragma once

#include "api/judging.h"

struct json_out;

/* 0, or -1 with *fault; *ret is then untouched. */
MUST_CHECK int v1_judge_parse(struct judging_request *ret, struct slice body, struct fault *fault);

/* One case, an object. type: NULL, or what its first field "type" is, where it is an event. */
void v1_judge_write_case(struct json_out *out, const struct judging *judging, size_t i, const char *type);
/* The answer's body; type: likewise. with_cases: false where each was told of before. 0 or < 0. */
MUST_CHECK int v1_judge_write(struct buf *to, const struct judging *judging, const struct judging_total *total,
                              const char *id, const char *type, bool with_cases);
