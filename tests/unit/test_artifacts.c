/* artifacts: what is kept, for how long, and that nobody can change it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "engine/artifacts.h"

static struct artifact_key key_of(unsigned n)
{
    struct artifact_key key = {0};

    memcpy(key.bytes + 8, &n, sizeof n); /* all in one chain */
    return key;
}

static struct artifacts *make(uint64_t bytes_max, uint32_t n_max)
{
    struct artifacts *artifacts = NULL;

    assert_int_equal(artifacts_new(&artifacts, bytes_max, n_max, NULL), 0);
    return artifacts;
}

/* An artifact that begins with text, and is `bytes` long. */
static void keep(struct artifacts *artifacts, unsigned n, const char *text, uint64_t bytes, const char *out,
                 const char *err)
{
    CLEANUP(closep) int fd = fd_memfd("made");
    const struct artifact_key key = key_of(n);
    struct artifact artifact = {.fd = fd, .bytes = bytes, .out = {slice_from(out), slice_from(err)}};

    assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
    artifacts_keep(artifacts, &key, &artifact);
}

static bool has(struct artifacts *artifacts, unsigned n)
{
    const struct artifact_key key = key_of(n);
    struct artifact found;

    return artifacts_find(&found, artifacts, &key);
}

static void gives_back_what_it_got(void **state)
{
    CLEANUP(artifacts_freep) struct artifacts *artifacts = make(1 << 20, 4);
    const struct artifact_key key = key_of(7);
    struct artifact found = {0};
    char bytes[8] = "";

    (void)state;
    assert_false(has(artifacts, 7));
    keep(artifacts, 7, "program", 7, "out", "a warning");
    assert_false(has(artifacts, 8));
    assert_true(artifacts_find(&found, artifacts, &key));
    assert_int_equal(found.bytes, 7);
    assert_int_equal(pread(found.fd, bytes, sizeof bytes, 0), 7);
    assert_string_equal(bytes, "program");
    assert_int_equal(found.out[0].len, 3);
    assert_memory_equal(found.out[0].at, "out", 3);
    assert_int_equal(found.out[1].len, 9);
    assert_memory_equal(found.out[1].at, "a warning", 9);
}

static void keeps_a_large_one_whole(void **state)
{
    CLEANUP(artifacts_freep) struct artifacts *artifacts = make(64 << 20, 4);
    const struct artifact_key key = key_of(1);
    const size_t len = 300000; /* several pieces, and a part of one */
    CLEANUP(freep) char *wanted = malloc(len), *got = malloc(len);
    CLEANUP(closep) int fd = fd_memfd("made");
    struct artifact artifact = {.fd = fd, .bytes = len};

    (void)state;
    for (size_t i = 0; i < len; i++)
        wanted[i] = (char)(i * 7 + i / 1000);
    assert_int_equal(fd_write_all(fd, wanted, len), 0);
    artifacts_keep(artifacts, &key, &artifact);
    assert_true(artifacts_find(&artifact, artifacts, &key));
    assert_int_equal(pread(artifact.fd, got, len, 0), len);
    assert_memory_equal(got, wanted, len);
}

/* Whoever gets the descriptor, in a box or not; and whoever has the one that it was copied from. */
static void nobody_changes_it(void **state)
{
    CLEANUP(artifacts_freep) struct artifacts *artifacts = make(1 << 20, 4);
    CLEANUP(closep) int fd = fd_memfd("made");
    const struct artifact_key key = key_of(1);
    struct artifact artifact = {.fd = fd, .bytes = 7};
    char bytes[8] = "";

    (void)state;
    assert_int_equal(fd_write_all(fd, "program", 7), 0);
    artifacts_keep(artifacts, &key, &artifact);
    assert_int_equal(pwrite(fd, "P", 1, 0), 1);
    assert_true(artifacts_find(&artifact, artifacts, &key));
    assert_int_equal(pread(artifact.fd, bytes, 7, 0), 7);
    assert_string_equal(bytes, "program");
    assert_true(pwrite(artifact.fd, "P", 1, 0) < 0 && errno == EPERM);
    assert_true(ftruncate(artifact.fd, 1) < 0 && ftruncate(artifact.fd, 100) < 0);
    assert_true(mmap(NULL, 7, PROT_READ | PROT_WRITE, MAP_SHARED, artifact.fd, 0) == MAP_FAILED);
    assert_true(fcntl(artifact.fd, F_ADD_SEALS, F_SEAL_SEAL) < 0);
}

static void drops_what_is_used_least_by_number(void **state)
{
    CLEANUP(artifacts_freep) struct artifacts *artifacts = make(1 << 20, 3);

    (void)state;
    for (unsigned n = 1; n <= 3; n++)
        keep(artifacts, n, "x", 1, "", "");
    assert_true(has(artifacts, 1)); /* used: 2 is the oldest now */
    keep(artifacts, 4, "x", 1, "", "");
    assert_false(has(artifacts, 2));
    assert_true(has(artifacts, 1) && has(artifacts, 3) && has(artifacts, 4));
}

static void drops_what_is_used_least_by_bytes(void **state)
{
    CLEANUP(artifacts_freep) struct artifacts *artifacts = make(1 << 20, 1000);
    unsigned n_left = 0;

    (void)state;
    for (unsigned n = 0; n < 100; n++)
        keep(artifacts, n, "x", 100000, "", "");
    for (unsigned n = 0; n < 100; n++)
        n_left += has(artifacts, n);
    assert_int_equal(n_left, 10); /* of 25 pages and a little each, in 256 */
    for (unsigned n = 90; n < 100; n++)
        assert_true(has(artifacts, n));
}

static void counts_what_the_compiler_wrote(void **state)
{
    CLEANUP(artifacts_freep) struct artifacts *artifacts = make(100000, 1000);
    char words[20001];
    unsigned n_left = 0;

    (void)state;
    memset(words, 'w', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    for (unsigned n = 0; n < 10; n++)
        keep(artifacts, n, "x", 1, "", words);
    for (unsigned n = 0; n < 10; n++)
        n_left += has(artifacts, n);
    assert_int_equal(n_left, 4);
}

static void keeps_nothing_that_is_too_big(void **state)
{
    CLEANUP(artifacts_freep) struct artifacts *small = make(1 << 20, 10), *large = make(UINT64_C(1) << 30, 10);

    (void)state;
    keep(small, 1, "x", 1, "", "");
    keep(small, 2, "x", 300 << 10, "", ""); /* more than a quarter: nothing goes for it */
    assert_true(has(small, 1) && !has(small, 2));
    keep(large, 1, "x", ARTIFACT_KEPT_BYTES_MAX, "", "");
    keep(large, 2, "x", ARTIFACT_KEPT_BYTES_MAX + 1, "", "");
    assert_true(has(large, 1) && !has(large, 2));
}

static void the_first_of_a_key_stays(void **state)
{
    CLEANUP(artifacts_freep) struct artifacts *artifacts = make(1 << 20, 10);
    const struct artifact_key key = key_of(1);
    struct artifact found;
    char byte = 0;

    (void)state;
    keep(artifacts, 1, "a", 1, "", "");
    keep(artifacts, 1, "b", 1, "", "");
    assert_true(artifacts_find(&found, artifacts, &key));
    assert_int_equal(pread(found.fd, &byte, 1, 0), 1);
    assert_int_equal(byte, 'a');
}

static void a_copy_that_is_cut_is_not_kept(void **state)
{
    CLEANUP(artifacts_freep) struct artifacts *artifacts = make(1 << 20, 10);
    CLEANUP(closep) int fd = fd_memfd("made");
    const struct artifact_key key = key_of(1);
    struct artifact artifact = {.fd = fd, .bytes = 7};

    (void)state;
    assert_int_equal(fd_write_all(fd, "short", 5), 0);
    artifacts_keep(artifacts, &key, &artifact);
    assert_false(has(artifacts, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_what_it_got),
        cmocka_unit_test(keeps_a_large_one_whole),
        cmocka_unit_test(nobody_changes_it),
        cmocka_unit_test(drops_what_is_used_least_by_number),
        cmocka_unit_test(drops_what_is_used_least_by_bytes),
        cmocka_unit_test(counts_what_the_compiler_wrote),
        cmocka_unit_test(keeps_nothing_that_is_too_big),
        cmocka_unit_test(the_first_of_a_key_stays),
        cmocka_unit_test(a_copy_that_is_cut_is_not_kept),
    };

    return cmocka_run_group_tests_name("artifacts", tests, NULL, NULL);
}
