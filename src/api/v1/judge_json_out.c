#include "api/v1/judge_json.h"
#include "api/v1/run_json.h"
#include "base/json_out.h"

/* With "…" where the line goes on. */
static void write_excerpt(struct json_out *out, const char *name, const struct excerpt *excerpt)
{
    char text[EXCERPT_BYTES + 8];
    int len;

    json_out_key(out, name);
    if (!excerpt->present) {
        json_out_null(out);
        return;
    }
    len = snprintf(text, sizeof text, "%s", excerpt->cut_before ? "…" : "");
    memcpy(text + len, excerpt->text, excerpt->len);
    len += (int)excerpt->len;
    len += snprintf(text + len, sizeof text - (size_t)len, "%s", excerpt->cut_after ? "…" : "");
    json_out_text(out, (struct slice){text, (size_t)len});
}

static void write_difference(struct json_out *out, const struct judging_outcome *outcome)
{
    json_out_key(out, "difference");
    if (!outcome->differs) {
        json_out_null(out);
        return;
    }
    json_out_open(out, '{');
    json_out_key_uint(out, "line", outcome->difference.line);
    json_out_key_uint(out, "column", outcome->difference.column);
    write_excerpt(out, "expected", &outcome->difference.expected);
    write_excerpt(out, "actual", &outcome->difference.actual);
    json_out_close(out, '}');
}

static bool has_output(const struct judging_request *request, const struct judging_outcome *outcome)
{
    return request->return_output == JUDGING_RETURN_ALL ||
           (request->return_output == JUDGING_RETURN_FAILED && outcome->verdict != JUDGE_ACCEPTED);
}

void v1_judge_write_case(struct json_out *out, const struct judging *judging, size_t i, const char *type)
{
    const struct judging_request *request = judging_request_of(judging);
    const struct judging_outcome *outcome = judging_outcome(judging, i);

    json_out_open(out, '{');
    if (type != NULL)
        json_out_key_str(out, "type", type);
    json_out_key_uint(out, "case", i);
    json_out_key_str(out, "name", request->cases[i].name);
    json_out_key_str(out, "verdict", judge_verdict_names[outcome->verdict]);
    json_out_key_str(out, "message", outcome->message);
    json_out_key(out, "score");
    json_out_real(out, outcome->score);
    json_out_key(out, "run");
    v1_stage_write(out, STAGE_RUN, &outcome->run, has_output(request, outcome), request->base64);
    write_difference(out, outcome);
    json_out_key(out, "feedback");
    if (outcome->has_feedback)
        json_out_text(out, (struct slice){buf_text(&outcome->feedback), outcome->feedback.len});
    else
        json_out_null(out);
    json_out_close(out, '}');
}

static void write_total(struct json_out *out, const struct judging_total *total, size_t n_cases)
{
    json_out_key_str(out, "verdict", judge_verdict_names[total->verdict]);
    json_out_key_str(out, "message", total->message);
    json_out_key(out, "score");
    json_out_real(out, total->score);
    json_out_key(out, "max_score");
    json_out_real(out, total->max_score);
    json_out_key_uint(out, "passed", total->n_passed);
    json_out_key_uint(out, "total", n_cases);
    json_out_key(out, "max"); /* of any case */
    json_out_open(out, '{');
    json_out_key(out, "wall_ms");
    json_out_thousandths(out, total->wall_us);
    json_out_key(out, "cpu_ms");
    json_out_thousandths(out, total->cpu_us);
    json_out_key_uint(out, "memory_bytes", total->memory_bytes);
    json_out_close(out, '}');
}

/* Of the checker: what runs it, and how it was compiled. */
static void write_part(struct json_out *out, const struct judging *judging, enum judging_role role)
{
    const struct judging_part *part = judging_part(judging, role);

    json_out_key(out, judging_roles[role]);
    if (part->job == NULL) {
        json_out_null(out);
        return;
    }
    json_out_open(out, '{');
    json_out_key_str(out, "language", part->language->id);
    json_out_key_str(out, "version", part->language->version);
    json_out_key(out, "compile");
    v1_stage_write(out, STAGE_COMPILE, &part->compile, true, judging_request_of(judging)->base64);
    json_out_close(out, '}');
}

int v1_judge_write(struct buf *to, const struct judging *judging, const struct judging_total *total, const char *id,
                   const char *type, bool with_cases)
{
    const struct judging_request *request = judging_request_of(judging);
    const struct judging_part *program = judging_part(judging, JUDGING_PROGRAM);
    struct json_out out = json_out_to(to);

    json_out_open(&out, '{');
    if (type != NULL)
        json_out_key_str(&out, "type", type);
    json_out_key_str(&out, "id", id);
    json_out_key_str(&out, "language", program->language->id);
    json_out_key_str(&out, "version", program->language->version);
    write_total(&out, total, request->n_cases);
    json_out_key(&out, "compile");
    v1_stage_write(&out, STAGE_COMPILE, &program->compile, true, request->base64);
    for (enum judging_role role = JUDGING_PROGRAM + 1; role < JUDGING_N_ROLES; role++)
        write_part(&out, judging, role);
    if (with_cases) {
        json_out_key(&out, "cases");
        json_out_open(&out, '[');
        for (size_t i = 0; i < request->n_cases; i++)
            v1_judge_write_case(&out, judging, i, NULL);
        json_out_close(&out, ']');
    }
    json_out_close(&out, '}');
    return json_out_end(&out);
}
