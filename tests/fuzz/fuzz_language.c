/* A language.ini: refused with a sentence, or a language whose commands, names and limits can be made for a job. */
#include "base/fd.h"
#include "languages/languages.h"
#include "temp_dir.h"

static void write_file(const char *name, const void *bytes, size_t len)
{
    char path[128];
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", temp_dir(), name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert(fd >= 0 && fd_write_all(fd, bytes, len) == 0);
    (void)close(fd);
}

static void make_folder(void)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/x", temp_dir());
    (void)mkdir(path, 0755);
    write_file("x/hello.x", "hello\n", 6);
}

/* What the engine does with it, for a job of two files. */
static void use_it(const struct language *language, enum stage stage)
{
    struct job *job = job_new();
    struct strings words = {0};
    char *name = language_main_name(language, slice_from("public class Main\n"));

    assert(job != NULL && name != NULL && job_check_name(slice_from(name), NULL) == 0);
    assert(job_add_file(job, name, "a", 1, NULL) == 0);
    assert(job_add_arg(job, slice_from("{args}"), NULL) == 0);
    assert(language_command(&words, language, stage, job, &language->stages[stage].defaults, NULL) == 0);
    assert(words.n > 0 && words.at[0][0] != '\0');
    strings_done(&words);
    assert(language_env(&words, language, stage, job, &language->stages[stage].defaults, NULL) == 0);
    for (size_t i = 0; i < words.n; i++)
        assert(strchr(words.at[i], '=') != NULL);
    strings_done(&words);
    free(name);
    job_free(job);
}

/* glibc's regcomp(3) copies what + and {n,m} repeat, so that nested ones take all memory there is. Language files are
 * root's, who has shorter ways to do that; the fuzzer would find nothing else. */
static int is_pattern_bomb(const uint8_t *data, size_t size)
{
    unsigned n_intervals = 0, n_plus = 0;

    for (size_t i = 0; i + 1 < size; i++) {
        n_intervals += data[i] == '{' && data[i + 1] >= '0' && data[i + 1] <= '9';
        n_plus += data[i] == '+';
    }
    return n_intervals > 1 || n_plus > 12;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int made;
    struct languages languages = {0};
    struct err err = {0};

    if (is_pattern_bomb(data, size))
        return 0;
    if (!made)
        make_folder();
    made = 1;
    write_file("x/language.ini", data, size);
    if (languages_load(&languages, temp_dir(), &err) < 0) {
        assert(err.msg[0] != '\0');
        return 0;
    }
    assert(languages.n == 1 && languages_find(&languages, "x") == &languages.at[0]);
    for (enum stage stage = 0; stage < N_STAGES; stage++) {
        const struct language_stage *which = &languages.at[0].stages[stage];

        if (!which->present)
            continue;
        assert(limits_check(&which->defaults, NULL) == 0 && limits_check(&which->max, NULL) == 0);
        use_it(&languages.at[0], stage);
    }
    languages_done(&languages);
    return 0;
}
