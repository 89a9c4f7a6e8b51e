"""POST /v1/run: a program that was compiled already is not compiled again."""
import concurrent.futures

import pytest

from glimpse_server import Server

ECHO = '#include <stdio.h>\n/* %s */\nint main(void) { int n; while (scanf("%%d", &n) == 1) printf("%%d\\n", n * n); }\n'


def request(name, **more):
    return {"language": "c", "code": ECHO % name, **more}


def compile_of(server, body):
    result = server.run(body)
    assert result["status"] == "ok", result
    return result["stages"]["compile"]


def test_the_second_one_is_cached(server):
    assert compile_of(server, request("second"))["cached"] is False
    result = server.run(request("second", stdin="7 8"))
    assert result["stages"]["run"]["stdout"] == "49\n64\n"
    assert result["stages"]["compile"] == {
        "status": "ok", "exit_code": 0, "signal": None, "stdout": "", "stderr": "", "truncated": {"stdout": False, "stderr": False},
        "binary": False, "wall_ms": 0, "cpu_ms": 0, "memory_bytes": 0, "cached": True}


def test_warnings_are_shown_again(server):
    code = "#warning beware\nint main(void) { return 0; }\n"
    first, second = (compile_of(server, {"language": "c", "code": code}) for _ in range(2))
    assert (first["cached"], second["cached"]) == (False, True)
    assert "warning: #warning beware" in first["stderr"]
    assert second["stderr"] == first["stderr"]


def test_only_what_the_compiler_sees_counts(server):
    compile_of(server, request("sees"))
    for more in ({"args": ["x"]}, {"env": {"A": "b"}}, {"stdin": "1"}, {"limits": {"run": {"wall_time_ms": 5000}}},
                 {"output_encoding": "base64"}, {"language": "gcc"}):
        assert compile_of(server, request("sees", **more))["cached"] is True, more
    for more in ({"limits": {"compile": {"wall_time_ms": 7000}}}, {"language": "cpp"}):
        assert compile_of(server, request("sees", **more))["cached"] is False, more
    files = [{"name": "main.c", "content": ECHO % "sees"}]
    assert compile_of(server, {"language": "c", "files": files})["cached"] is True
    files.append({"name": "data.txt", "content": ""})
    assert compile_of(server, {"language": "c", "files": files})["cached"] is False


def test_every_compiled_language(server):
    listed = [language for language in server.get("/v1/languages").json()["languages"] if "compile" in language["stages"]]
    for language in listed:
        body = {"language": language["id"], "files": [language["hello"]]}
        results = [server.run(body) for _ in range(2)]
        assert results[1]["stages"]["compile"]["cached"] is True, language["id"]
        assert [result["stages"]["run"]["stdout"] for result in results] == ["Hello, world!\n"] * 2


def test_off_by_request(server):
    for _ in range(2):
        assert compile_of(server, request("off", cache=False))["cached"] is False
    assert compile_of(server, request("off", cache=True))["cached"] is False  # nothing had been kept
    assert compile_of(server, request("off", cache=None))["cached"] is True
    assert compile_of(server, request("off", cache=False))["cached"] is False


def test_a_wrong_value_is_refused(server, problem):
    assert problem(server.post("/v1/run", request("x", cache="no")), 422, "cache") == "cache must be true or false, not a string"


def test_failures_are_not_kept(server):
    for _ in range(2):
        result = server.run({"language": "c", "code": "int main(void) { return not_there; }\n"})
        assert result["status"] == "compile_error"
        assert result["stages"]["compile"]["cached"] is False
        assert result["stages"]["compile"]["cpu_ms"] > 0


def test_a_program_cannot_change_what_the_next_one_gets(server):
    code = """
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    (void)argc;
    unlink(argv[0]);
    int fd = open(argv[0], O_WRONLY | O_CREAT | O_TRUNC, 0755);
    printf("%d\\n", (int)write(fd, "#!/bin/echo spoilt\\n", 19));
    rename(".glimpse", "gone");
}
"""
    for n in range(3):
        result = server.run({"language": "c", "code": code})
        assert result["stages"]["run"]["stdout"] == "19\n", result
        assert result["stages"]["compile"]["cached"] is (n > 0)


def test_one_program_and_a_hundred_inputs_at_once(server):
    """A judge's case: whoever comes while it is being compiled waits for that."""
    def judge(n):
        return server.run(request("judge", stdin=f"{n}"))
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        results = list(pool.map(judge, range(100)))
    assert [result["stages"]["run"]["stdout"] for result in results] == [f"{n * n}\n" for n in range(100)]
    assert [result["stages"]["compile"]["cached"] for result in results].count(False) == 1


def test_different_programs_at_once(server):
    def run(n):
        return server.run({"language": "c", "code": f'#include <stdio.h>\nint main(void) {{ printf("%d", {n % 7}); }}\n'})
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        results = list(pool.map(run, range(42)))
    assert [result["stages"]["run"]["stdout"] for result in results] == [str(n % 7) for n in range(42)]
    assert [result["stages"]["compile"]["cached"] for result in results].count(False) == 7


@pytest.fixture(scope="module")
def small():
    with Server(config={"cache_entries": 2}) as running:
        yield running


def test_what_was_used_least_recently_goes(small):
    for name in "abab":
        compile_of(small, request(name))
    assert compile_of(small, request("a"))["cached"] is True
    assert compile_of(small, request("c"))["cached"] is False  # b goes
    assert [compile_of(small, request(name))["cached"] for name in "acb"] == [True, True, False]


def test_off_by_configuration():
    with Server(config={"cache": 0}) as server:
        for _ in range(2):
            assert compile_of(server, request("none"))["cached"] is False


def test_memory_and_descriptors_are_bounded():
    with Server(config={"cache": "1M", "cache_entries": 4}) as server:
        for n in range(12):
            compile_of(server, request(f"bound {n}"))
        kept = server.kept_artifacts()
        assert len(kept) == 4 and sum(kept) <= 1 << 20, kept
