#include "cli/run_json.h"

#include "base/json_out.h"
#include "base/utf8.h"
#include "model/job.h"

static void write_stage(struct json_out *out, const struct glimpse_stage_result *stage)
{
    static const char *const streams[] = {"stdout", "stderr"};
    bool binary = false;
    char name[32];

    if (!stage->ran) {
        json_out_null(out);
        return;
    }
    json_out_open(out, '{');
    json_out_key_str(out, "status", glimpse_status_name(stage->status));
    json_out_key(out, "exit_code");
    if (stage->exit_code < 0)
        json_out_null(out);
    else
        json_out_int(out, stage->exit_code);
    json_out_key_str(out, "signal",
                     stage->signal == 0 ? NULL : signal_name(stage->signal, name, sizeof name));
    for (size_t i = 0; i < 2; i++) {
        json_out_key_text(out, streams[i], (struct slice){stage->data[i], stage->length[i]});
        binary = binary || !utf8_valid(stage->data[i], stage->length[i]);
    }
    json_out_key(out, "truncated");
    json_out_open(out, '{');
    for (size_t i = 0; i < 2; i++) {
        json_out_key(out, streams[i]);
        json_out_bool(out, stage->truncated[i] != 0);
    }
    json_out_close(out, '}');
    json_out_key(out, "binary");
    json_out_bool(out, binary);
    json_out_key(out, "wall_ms");
    json_out_thousandths(out, stage->wall_us);
    json_out_key(out, "cpu_ms");
    json_out_thousandths(out, stage->cpu_us);
    json_out_key_uint(out, "memory_bytes", stage->memory_bytes);
    json_out_close(out, '}');
}

bool run_json_print(const struct glimpse_result *result)
{
    CLEANUP(buf_done) struct buf text;
    struct json_out out = json_out_to(&text);

    buf_init(&text, (size_t)2 << 30); /* four streams of 64 MiB, each byte at most "\u0000" */
    json_out_open(&out, '{');
    json_out_key_str(&out, "status", glimpse_status_name(result->status));
    json_out_key_str(&out, "message", result->message);
    json_out_key(&out, "stages");
    json_out_open(&out, '{');
    for (size_t i = 0; i < GLIMPSE_N_STAGES; i++) {
        json_out_key(&out, stage_names[i]);
        write_stage(&out, &result->stages[i]);
    }
    json_out_close(&out, '}');
    json_out_close(&out, '}');
    return json_out_end(&out) == 0 && buf_add(&text, "\n", 1) == 0 &&
           cli_write(STDOUT_FILENO, buf_text(&text), text.len);
}
