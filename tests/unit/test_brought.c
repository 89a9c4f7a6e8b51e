#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/brought.h"
#include "wire/wire.h"

static void put(int fd, struct wire_record record, const char *name, const char *data)
{
    assert_int_equal(fd_write_all(fd, &record, sizeof record), 0);
    assert_int_equal(fd_write_all(fd, name, record.name_len), 0);
    assert_int_equal(fd_write_all(fd, data, record.data_len), 0);
}

static void put_file(int fd, const char *name, const char *data)
{
    put(fd,
        (struct wire_record){.kind = WIRE_RECORD_FILE, .name_len = (uint32_t)strlen(name), .data_len = strlen(data)},
        name, data);
}

/* What comes of the blob that was written: fd is closed. less: how much shorter than it is init says. */
static int read_all(struct result *result, int fd, uint64_t less)
{
    struct err err = {0};
    int r;

    result_init(result);
    r = brought_read(result, fd, (uint64_t)lseek(fd, 0, SEEK_END) - less, &err);
    (void)close(fd);
    assert_int_equal(r < 0, err.code < 0);
    return r;
}

static void reads_files_by_name(void **state)
{
    struct result result;
    int fd = fd_memfd("test");

    (void)state;
    put_file(fd, "out/b", "second");
    put_file(fd, "a", "");
    assert_int_equal(read_all(&result, fd, 0), 0);
    assert_int_equal(result.n_files, 2);
    assert_string_equal(result.files[0].name, "a");
    assert_int_equal(result.files[0].len, 0);
    assert_string_equal(result.files[1].data, "second");
    result_done(&result);
}

static void takes_as_many_as_there_may_be(void **state)
{
    struct result result;

    (void)state;
    for (size_t n = JOB_MAX_BROUGHT_FILES; n <= JOB_MAX_BROUGHT_FILES + 1; n++) {
        int fd = fd_memfd("test");

        for (size_t i = 0; i < n; i++)
            put_file(fd, "x", "y");
        assert_int_equal(read_all(&result, fd, 0), n > JOB_MAX_BROUGHT_FILES ? -EBADMSG : 0);
        assert_int_equal(result.n_files, JOB_MAX_BROUGHT_FILES);
        result_done(&result);
    }
}

static void refuses_what_is_no_file(void **state)
{
    static const struct {
        struct wire_record record;
        const char *name;
        uint64_t less;
    } rows[] = {
        {{.kind = WIRE_RECORD_ENV}, "", 0},
        {{.kind = WIRE_RECORD_FOLDER, .name_len = 1}, "x", 0},
        {{.kind = WIRE_RECORD_FILE}, "", 0},
        {{.kind = 77, .name_len = 1}, "x", 0},
        {{.kind = WIRE_RECORD_FILE, .name_len = 2}, "x\0", 0},
        {{.kind = WIRE_RECORD_FILE, .name_len = 2}, "ab", 1},
        {{.kind = WIRE_RECORD_FILE, .name_len = 2}, "ab", 5},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct result result;
        int fd = fd_memfd("test");

        put(fd, rows[i].record, rows[i].name, "");
        assert_int_equal(read_all(&result, fd, rows[i].less), -EBADMSG);
        assert_int_equal(result.n_files, 0);
        result_done(&result);
    }
}

static void refuses_more_than_there_is_room_for(void **state)
{
    struct result result;
    int fd = fd_memfd("test");

    (void)state;
    assert_int_equal(ftruncate(fd, JOB_MAX_BROUGHT_BYTES + 1), 0);
    assert_int_equal(read_all(&result, fd, 0), -EBADMSG);
    result_done(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_files_by_name),
        cmocka_unit_test(takes_as_many_as_there_may_be),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(refuses_more_than_there_is_room_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
