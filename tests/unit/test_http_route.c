/* What holds for routes: a path matches whole or not at all; a wrong method is told the right ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/http.h"

static void handle_a(struct http_request *request, void *arg)
{
    (void)request;
    (void)arg;
}

static void handle_b(struct http_request *request, void *arg)
{
    (void)request;
    (void)arg;
}

static const struct http_route routes[] = {
    {"GET", "/", handle_a, .any_origin = false},
    {"POST", "/run", handle_a, .any_origin = true},
    {"GET", "/run", handle_b, .any_origin = false},
    {"POST", "/run/{lang}", handle_b, .any_origin = false},
    {"GET", "/a/{x}/b/{y}", handle_a, .any_origin = false},
};

static void finds_the_route(void **state)
{
    static const struct {
        const char *method, *path;
        int index; /* -1: none */
        const char *allow, *part0, *part1;
    } rows[] = {
        {"GET", "/", 0, "GET, HEAD", "", ""},
        {"HEAD", "/", 0, "GET, HEAD", "", ""},
        {"POST", "/", -1, "GET, HEAD", "", ""},
        {"POST", "/run", 1, "POST, GET, HEAD", "", ""},
        {"GET", "/run", 2, "POST, GET, HEAD", "", ""},
        {"get", "/run", -1, "POST, GET, HEAD", "", ""},
        {"POST", "/run/go", 3, "POST", "go", ""},
        {"POST", "/run/{lang}", 3, "POST", "{lang}", ""},
        {"GET", "/run/go", -1, "POST", "", ""},
        {"GET", "/a/1/b/22", 4, "GET, HEAD", "1", "22"},
        {"POST", "/run/", -1, "", "", ""},
        {"POST", "/run/go/", -1, "", "", ""},
        {"POST", "//run", -1, "", "", ""},
        {"POST", "/RUN", -1, "", "", ""},
        {"POST", "/ru", -1, "", "", ""},
        {"POST", "/runs", -1, "", "", ""},
        {"GET", "", -1, "", "", ""},
        {"GET", "*", -1, "", "", ""},
        {"GET", "/a/1/c/22", -1, "", "", ""},
        {"GET", "/a//b/22", -1, "", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_match match;

        http_route_find(&match, routes, COUNT_OF(routes), rows[i].method, rows[i].path);
        assert_ptr_equal(match.route, rows[i].index < 0 ? NULL : &routes[rows[i].index]);
        assert_string_equal(match.allow, rows[i].allow);
        assert_int_equal(match.parts[0].len, strlen(rows[i].part0));
        assert_int_equal(match.parts[1].len, strlen(rows[i].part1));
        assert_memory_equal(match.parts[0].len > 0 ? match.parts[0].at : "", rows[i].part0,
                            match.parts[0].len);
        assert_memory_equal(match.parts[1].len > 0 ? match.parts[1].at : "", rows[i].part1,
                            match.parts[1].len);
    }
}

static void any_origin_belongs_to_the_path(void **state)
{
    struct http_match match;

    (void)state;
    http_route_find(&match, routes, COUNT_OF(routes), "OPTIONS", "/run");
    assert_true(match.any_origin);
    http_route_find(&match, routes, COUNT_OF(routes), "OPTIONS", "/");
    assert_false(match.any_origin);
}

static void a_problem_is_json_whatever_it_says(void **state)
{
    CLEANUP(buf_done) struct buf body;

    (void)state;
    buf_init(&body, 4096);
    assert_int_equal(http_problem_body(&body, 413, NULL, "too \"big\"\n\xff"), 0);
    assert_string_equal(buf_text(&body),
                        "{\"type\":\"about:blank\",\"title\":\"Content Too Large\",\"status\":413,"
                        "\"detail\":\"too \\\"big\\\"\\n\xef\xbf\xbd\"}");
    buf_clear(&body);
    assert_int_equal(http_problem_body(&body, 422, "files[1].name", "no"), 0);
    assert_non_null(strstr(buf_text(&body), "\"field\":\"files[1].name\"}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_route),
        cmocka_unit_test(any_origin_belongs_to_the_path),
        cmocka_unit_test(a_problem_is_json_whatever_it_says),
    };

    return cmocka_run_group_tests_name("http_route", tests, NULL, NULL);
}
