/* What holds for POST /v1/run's JSON: whole requests come through, whatever is wrong names its field, and nothing comes
 * out of a request that was refused. tests/api has the rows that need no more than an HTTP client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/v1/run_json.h"

static void reads_every_field(void **state)
{
    static const char text[] =
        "{\"language\":\"py\",\"version\":\"3\",\"files\":["
        "{\"name\":\"a.py\",\"content\":\"x\\u0000y\"},"
        "{\"name\":\"d/b\",\"content\":\"/w==\",\"encoding\":\"base64\"}],"
        "\"stdin\":{\"content\":\"aGk=\",\"encoding\":\"base64\"},"
        "\"args\":[\"\",\"b c\"],\"env\":{\"A\":\"1=2\"},"
        "\"limits\":{\"compile\":{\"processes\":7},\"run\":{\"wall_time_ms\":10}},"
        "\"output_encoding\":\"base64\"}";
    struct fault fault = {0};
    struct v1_run run;
    struct job *job;

    (void)state;
    assert_int_equal(v1_run_parse(&run, slice_from(text), &fault), 0);
    assert_true(run.base64);
    job = run.job;
    assert_string_equal(job->language, "py");
    assert_string_equal(job->version, "3");
    assert_int_equal(job->n_files, 2);
    assert_false(job->main_unnamed);
    assert_string_equal(job->files[0].name, "a.py");
    assert_int_equal(job->files[0].len, 3);
    assert_memory_equal(job->files[0].data, "x\0y", 3);
    assert_string_equal(job->files[1].name, "d/b");
    assert_int_equal(job->files[1].len, 1);
    assert_memory_equal(job->files[1].data, "\xff", 1);
    assert_int_equal(job->stdin_len, 2);
    assert_memory_equal(job->stdin_data, "hi", 2);
    assert_int_equal(job->n_args, 2);
    assert_string_equal(job->args[0], "");
    assert_string_equal(job->args[1], "b c");
    assert_int_equal(job->n_env, 1);
    assert_string_equal(job->env[0], "A=1=2");
    assert_int_equal(job->limits[STAGE_COMPILE].processes, 7);
    assert_int_equal(job->limits[STAGE_RUN].wall_time_ms, 10);
    assert_int_equal(job->limits[STAGE_RUN].processes, 0); /* the language's default */
    job_free(job);
}

/* Every field that is owned is another one in the copy; the rest is equal. */
static void a_job_can_be_copied(void **state)
{
    static const char text[] =
        "{\"language\":\"py\",\"version\":\"3\",\"files\":["
        "{\"name\":\"a.py\",\"content\":\"x\\u0000y\"},{\"name\":\"d/b\",\"content\":\"\"}],"
        "\"stdin\":\"in\",\"args\":[\"\",\"b c\"],\"env\":{\"A\":\"1=2\"},\"collect\":[\"*.png\"],"
        "\"limits\":{\"run\":{\"wall_time_ms\":10}},\"cache\":false}";
    struct fault fault = {0};
    struct v1_run run;
    struct job *copy;

    (void)state;
    assert_int_equal(v1_run_parse(&run, slice_from(text), &fault), 0);
    copy = job_copy(run.job);
    job_free(run.job); /* nothing of it is needed any more */
    assert_non_null(copy);
    assert_string_equal(copy->language, "py");
    assert_string_equal(copy->version, "3");
    assert_int_equal(copy->n_files, 2);
    assert_memory_equal(copy->files[0].data, "x\0y", 4);
    assert_string_equal(copy->files[1].name, "d/b");
    assert_int_equal(copy->files[1].len, 0);
    assert_int_equal(copy->stdin_len, 2);
    assert_memory_equal(copy->stdin_data, "in", 2);
    assert_int_equal(copy->n_args, 2);
    assert_string_equal(copy->args[1], "b c");
    assert_int_equal(copy->n_env, 1);
    assert_string_equal(copy->env[0], "A=1=2");
    assert_int_equal(copy->n_collect, 1);
    assert_string_equal(copy->collect[0], "*.png");
    assert_int_equal(copy->limits[STAGE_RUN].wall_time_ms, 10);
    assert_true(copy->no_cache);
    job_free(copy);
}

static void code_is_a_file_without_a_name(void **state)
{
    struct fault fault = {0};
    struct v1_run run;

    (void)state;
    assert_int_equal(v1_run_parse(&run, slice_from("{\"language\":\"c\",\"code\":\"\"}"), &fault),
                     0);
    assert_true(run.job->main_unnamed);
    assert_null(run.job->files[0].name);
    assert_int_equal(run.job->files[0].len, 0);
    assert_false(run.base64);
    job_free(run.job);
}

static void refusals_name_the_field_and_give_nothing(void **state)
{
    static const struct {
        const char *text;
        unsigned status;
        const char *field, *says;
    } rows[] = {
        {"", 400, "", "empty"},
        {"[]", 400, "", "an array"},
        {"{\"a\":", 400, "", "line 1"},
        {"{\"code\":1,\"code\":2}", 400, "", "duplicate"},
        {"{\"code\":\"\xff\"}", 400, "", "UTF-8"},
        {"{\"code\":\"\"}", 422, "language", "missing"},
        {"{\"language\":\"c\"}", 422, "code", "missing"},
        {"{\"language\":\"c\",\"code\":7}", 422, "code", "not a whole number"},
        {"{\"language\":\"c\",\"code\":\"\",\"x\":1}", 422, "x", "allowed are: language, version"},
        {"{\"language\":\"c\",\"files\":[{\"name\":\"a\",\"content\":\"\"},{\"name\":\"../b\",\"content\":\"\"}]}",
         422, "files[1].name", "'..'"},
        {"{\"language\":\"c\",\"code\":\"\",\"stdin\":{\"content\":\"a\",\"encoding\":\"base64\"}}",
         422, "stdin.content", "base64"},
        {"{\"language\":\"c\",\"code\":\"\",\"limits\":{\"wall_time_ms\":5}}", 422,
         "limits.wall_time_ms", "\"run\""},
        {"{\"language\":\"c\",\"code\":\"\",\"limits\":{\"run\":{\"wall_time_ms\":1e3}}}", 422,
         "limits.run.wall_time_ms", "fraction or exponent"},
        {"{\"language\":\"c\",\"code\":\"\",\"limits\":{\"run\":{\"wall_time_ms\":9}}}", 422,
         "limits.run.wall_time_ms", "at least 10 ms"},
    };
    struct job untouched;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct v1_run run = {.job = &untouched};
        struct fault fault = {0};

        assert_int_equal(v1_run_parse(&run, slice_from(rows[i].text), &fault), -1);
        assert_ptr_equal(run.job, &untouched);
        assert_int_equal(fault.status, rows[i].status);
        assert_string_equal(fault.field, rows[i].field);
        if (strstr(fault.detail, rows[i].says) == NULL)
            fail_msg("'%s' does not say '%s'", fault.detail, rows[i].says);
    }
}

/* Every cut and every changed byte of a good request: no crash, no leak (asan), and never a job where it says no. */
static void survives_every_cut_and_flip(void **state)
{
    static const char good[] =
        "{\"language\":\"c\",\"files\":[{\"name\":\"a\",\"content\":\"eA==\",\"encoding\":\"base64\"}],"
        "\"args\":[\"\\u00e9\"],\"env\":{\"A\":\"b\"},\"limits\":{\"run\":{\"processes\":5}}}";
    char text[sizeof good];

    (void)state;
    for (size_t i = 0; i < sizeof good - 1; i++) {
        for (unsigned flip = 0; flip <= 8; flip++) {
            struct fault fault = {0};
            struct v1_run run = {0};
            size_t len = flip == 0 ? i : sizeof good - 1;

            memcpy(text, good, sizeof good);
            if (flip > 0)
                text[i] = (char)(text[i] ^ (1 << (flip - 1)));
            if (v1_run_parse(&run, (struct slice){text, len}, &fault) == 0)
                job_free(run.job);
            else
                assert_true(run.job == NULL && fault.status >= 400 && fault.detail[0] != '\0');
        }
    }
}

static void writes_results(void **state)
{
    static char version[] = "12.2.0";
    const struct language language = {.id = "c", .version = version};
    CLEANUP(buf_done) struct buf text;
    CLEANUP(result_done) struct result result;
    struct stage_result *stage;

    (void)state;
    result_init(&result);
    result.status = STATUS_SIGNALED;
    (void)snprintf(result.message, sizeof result.message, "ended");
    stage = &result.stages[STAGE_RUN];
    stage->ran = true;
    stage->status = STATUS_SIGNALED;
    stage->exit_code = -1;
    stage->signal = 11;
    stage->truncated[1] = true;
    stage->wall_us = 1234567;
    stage->cpu_us = 7;
    stage->memory_bytes = 4096;
    buf_init(&stage->out[0], 10);
    assert_int_equal(buf_add(&stage->out[0], "a\xff", 2), 0);
    buf_init(&text, 4096);
    assert_int_equal(v1_run_write(&text, NULL, "some-id", &language, &result, false), 0);
    assert_string_equal(
        buf_text(&text),
        "{\"id\":\"some-id\",\"language\":\"c\",\"version\":\"12.2.0\",\"status\":\"signaled\",\"message\":\"ended\","
        "\"stages\":{\"compile\":null,\"run\":{\"status\":\"signaled\",\"exit_code\":null,\"signal\":\"SIGSEGV\","
        "\"stdout\":\"a\xef\xbf\xbd\",\"stderr\":\"\",\"truncated\":{\"stdout\":false,\"stderr\":true},\"binary\":true,"
        "\"wall_ms\":1234.567,\"cpu_ms\":0.007,\"memory_bytes\":4096}}}");
    buf_clear(&text);
    assert_int_equal(v1_run_write(&text, NULL, "some-id", &language, &result, true), 0);
    assert_non_null(strstr(buf_text(&text), "\"stdout\":\"Yf8=\""));
}

static const struct v1_run_part part = {
    .prefix = "checker.", .but = V1_RUN_BUT_STDIN, .others = {"points", "exit_codes"}};

static void a_part_leaves_fields_to_others(void **state)
{
    CLEANUP(json_decrefp) json_t *object =
        json_loads("{\"language\":\"c\",\"code\":\"x\",\"points\":[],\"exit_codes\":7}", 0, NULL);
    struct fault fault = {0};
    struct v1_run run;

    (void)state;
    assert_int_equal(v1_run_read(&run, object, &part, &fault), 0);
    assert_string_equal(run.job->language, "c");
    job_free(run.job);
}

static void faults_of_a_part_have_its_whole_path(void **state)
{
    static const char *const rows[][2] = {
        {"{}", "checker.language"},
        {"{\"language\":\"c\"}", "checker.code"},
        {"{\"language\":\"c\",\"code\":\"\",\"stdin\":\"\"}", "checker.stdin"},
        {"{\"language\":\"c\",\"files\":[{\"name\":\"a\",\"content\":1}]}", "checker.files[0].content"},
        {"{\"language\":\"c\",\"files\":[{\"name\":\"a\",\"content\":\"\",\"x\":1}]}", "checker.files[0].x"},
        {"{\"language\":\"c\",\"code\":\"\",\"args\":[1]}", "checker.args[0]"},
        {"{\"language\":\"c\",\"code\":\"\",\"env\":{\"A\":1}}", "checker.env.A"},
        {"{\"language\":\"c\",\"code\":\"\",\"limits\":{\"run\":{\"x\":1}}}", "checker.limits.run.x"},
        {"{\"language\":\"c\",\"code\":\"\",\"limits\":{\"wall_time_ms\":1}}", "checker.limits.wall_time_ms"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(json_decrefp) json_t *object = json_loads(rows[i][0], 0, NULL);
        struct v1_run run = {0};
        struct fault fault = {0};

        assert_int_equal(v1_run_read(&run, object, &part, &fault), -1);
        assert_int_equal(fault.status, 422);
        assert_string_equal(fault.field, rows[i][1]);
        assert_null(run.job);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(a_job_can_be_copied),
        cmocka_unit_test(code_is_a_file_without_a_name),
        cmocka_unit_test(refusals_name_the_field_and_give_nothing),
        cmocka_unit_test(a_part_leaves_fields_to_others),
        cmocka_unit_test(faults_of_a_part_have_its_whole_path),
        cmocka_unit_test(survives_every_cut_and_flip),
        cmocka_unit_test(writes_results),
    };

    return cmocka_run_group_tests_name("api_run_json", tests, NULL, NULL);
}
