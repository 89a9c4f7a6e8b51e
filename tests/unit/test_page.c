/* What holds for the playground's files: which are taken, under which name, and when they are sent packed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "api/page/files.h"
#include "api/page/page.h"
#include "languages_dir.h"

static const struct page_file *find(const struct page_files *files, const char *folder, const char *name)
{
    return page_files_find(files, folder, slice_from(name));
}

static void files_are_found_by_name(void **state)
{
    struct languages_dir dir;
    CLEANUP(page_files_done) struct page_files files = {0};
    const struct page_file *script;
    struct err err = {0};

    (void)state;
    languages_dir_init(&dir);
    languages_dir_write(&dir, "index.html", "<!doctype html>");
    languages_dir_write(&dir, "assets/a-1.js", "let a = 1;");
    languages_dir_write(&dir, "assets/a-1.js.gz", "packed");
    languages_dir_write(&dir, "assets/b-2.js", "let b = 2;");
    languages_dir_write(&dir, "assets/deep/c-3.js", "too deep");
    languages_dir_write(&dir, "assets/b-2.js.map", "no media type");
    languages_dir_write(&dir, ".hidden.js", "hidden");
    assert_int_equal(page_files_load(&files, dir.path, &err), 0);
    languages_dir_done(&dir); /* it is all in memory */

    assert_int_equal(files.n, 3);
    assert_string_equal(find(&files, "", "index.html")->type, "text/html; charset=utf-8");
    assert_null(find(&files, "", "index.html")->gzip.bytes.at);
    script = find(&files, "assets/", "a-1.js");
    assert_memory_equal(script->plain.bytes.at, "let a = 1;", script->plain.bytes.len);
    assert_memory_equal(script->gzip.bytes.at, "packed", script->gzip.bytes.len);
    assert_string_not_equal(script->plain.etag, script->gzip.etag);
    assert_string_not_equal(script->plain.etag, find(&files, "assets/", "b-2.js")->plain.etag);
    assert_null(find(&files, "assets/", "a-1.js.gz"));
    assert_null(find(&files, "", "a-1.js"));
    assert_null(find(&files, "assets/", "../index.html"));
    assert_null(find(&files, "assets/", ""));
}

static void no_folder_is_no_error(void **state)
{
    struct page_files files = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(page_files_load(&files, "/nonexistent/web", &err), PAGE_E_NO_FOLDER);
    assert_int_equal(files.n, 0);
    assert_null(find(&files, "", "index.html"));
}

static void links_are_not_followed(void **state)
{
    struct languages_dir dir;
    struct page_files files = {0};
    struct err err = {0};
    char path[128];

    (void)state;
    languages_dir_init(&dir);
    languages_dir_write(&dir, "index.html", "<!doctype html>");
    (void)snprintf(path, sizeof path, "%s/passwd.js", dir.path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_true(page_files_load(&files, dir.path, &err) < 0);
    assert_non_null(strstr(err.msg, "passwd.js"));
    assert_int_equal(files.n, 0);
    languages_dir_done(&dir);
}

static void gzip_is_sent_to_who_takes_it(void **state)
{
    static const struct { const char *accept; bool takes; } cases[] = {
        {NULL, false},
        {"", false},
        {"identity", false},
        {"br", false},
        {"gzip", true},
        {"GZip", true},
        {"deflate, gzip, br, zstd", true},
        {"deflate,gzip;q=0.5", true},
        {"gzip;q=0", false},
        {"gzip; q=0.000, *", false},
        {"gzip ;q=1.0", true},
        {"*", true},
        {"*;q=0", false},
        {"x-gzipped", false},
        {"gzipped", false},
        {", ,gzip", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (page_takes_gzip(cases[i].accept) != cases[i].takes)
            fail_msg("%s", cases[i].accept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_found_by_name),
        cmocka_unit_test(no_folder_is_no_error),
        cmocka_unit_test(links_are_not_followed),
        cmocka_unit_test(gzip_is_sent_to_who_takes_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
