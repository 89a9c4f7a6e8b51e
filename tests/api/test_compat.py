"""The endpoints of the services that Glimpse replaces: their requests and answers, as their clients know them."""
import contextlib
import json
import sqlite3

import pytest
import requests

# --- POST /run-code-pool ---

PROGRAMS = {
    "py": "print(input())",
    "js": "console.log(require('fs').readFileSync(0, 'utf8').trim())",
    "java": "import java.util.*; public class Main { public static void main(String[] a) {"
            " System.out.println(new Scanner(System.in).nextLine()); } }",
    "cpp": "#include <iostream>\nint main() { std::string s; std::cin >> s; std::cout << s << std::endl; }",
    "c": '#include <stdio.h>\nint main(void) { char s[99]; scanf("%s", s); puts(s); }',
    "go": 'package main\nimport "fmt"\nfunc main() { var s string; fmt.Scan(&s); fmt.Println(s) }',
    "kt": "fun main() { println(readLine()) }",
}
VERSION_WORDS = {"py": "Python 3", "js": "v", "java": "17", "cpp": "g++", "c": "gcc", "go": "go version", "kt": "kotlin"}


@pytest.mark.parametrize("language", PROGRAMS)
def test_run_code_pool(server, language):
    answer = server.post("/run-code-pool", {"language": language, "code": PROGRAMS[language], "input": "hi"})
    assert answer.status_code == 200
    body = answer.json()
    assert VERSION_WORDS[language].lower() in body.pop("info").lower()
    assert body == {"output": "hi\n", "error": "", "language": language}


def test_run_code_pool_stderr_goes_into_error(server):
    body = server.post("/run-code-pool", {"language": "py", "code": "print(1)\n1 / 0"}).json()
    assert body["output"] == "1\n"
    assert body["error"].startswith("Traceback") and "ZeroDivisionError" in body["error"]


def test_run_code_pool_compile_error(server):
    body = server.post("/run-code-pool", {"language": "c", "code": "int main(void) { return x; }"}).json()
    assert body["output"] == "" and "error:" in body["error"]


@pytest.mark.parametrize("path, error", [("/run-code-pool", lambda b: b["error"]), ("/run-code-lambda", lambda b: b["body"]["error"])])
def test_run_code_limits_are_told_in_words(server, path, error):
    body = server.post(path, {"language": "py", "code": "print('x' * (1 << 26))"}).json()
    assert "run stage:" in error(body)


def test_run_code_pool_has_30_seconds(server):
    body = server.post("/run-code-pool", {"language": "py", "code": "print('so far', flush=True)\nimport time; time.sleep(40)"}).json()
    assert body["output"] == "so far\n"
    assert "30 s" in body["error"]


@pytest.mark.parametrize("request_body, word", [
    ({"code": "x"}, "language"), ({"language": "py"}, "code"), ({"language": "py", "code": ""}, "code"),
    ({"language": "py", "code": 1}, "code"), ({"language": "py", "code": "x", "input": []}, "input"), ([], "object"),
])
def test_run_code_pool_bad_requests_keep_the_shape(server, request_body, word):
    answer = server.post("/run-code-pool", request_body)
    assert answer.status_code == 400
    body = answer.json()
    assert set(body) == {"output", "error", "language", "info", "detail"}
    assert word in body["error"] and body["output"] == ""


def test_run_code_pool_unknown_language(server):
    answer = server.post("/run-code-pool", {"language": "cobol", "code": "x"})
    assert answer.status_code == 422
    assert "cobol" in answer.json()["error"]


# --- POST /run-code-lambda ---

def test_run_code_lambda(server):
    answer = server.post("/run-code-lambda", {"language": "py", "code": 'print("Hello from Glimpse!")', "input": ""})
    assert answer.status_code == 200
    body = answer.json()
    milliseconds = body["body"].pop("executionTime")
    assert body == {"statusCode": 200, "body": {"output": "Hello from Glimpse!\n", "error": None}}
    assert 0 < milliseconds < 5000


def test_run_code_lambda_errors(server):
    body = server.post("/run-code-lambda", {"language": "js", "code": "throw new Error('no')"}).json()
    assert body["statusCode"] == 200 and "Error: no" in body["body"]["error"]
    body = server.post("/run-code-lambda", {"language": "c", "code": "x"}).json()
    assert body["body"]["executionTime"] is None and "error" in body["body"]["error"]
    answer = server.post("/run-code-lambda", {"language": "py"})
    assert answer.status_code == 400
    assert answer.json()["statusCode"] == 400 and "code" in answer.json()["body"]["error"]


# --- POST /execute, POST /submit ---

BOTH = "import sys\nprint('out')\nprint('err', file=sys.stderr)\nprint('out again')"


@pytest.fixture()
def submissions(server):
    def read():
        with contextlib.closing(sqlite3.connect(f"file:{server.data}/glimpse.db?mode=ro", uri=True)) as db:
            rows = db.execute("SELECT number, language, body, stages FROM submissions JOIN submission_requests USING (number)"
                              " JOIN submission_results USING (number)").fetchall()
        return [(number, language, json.loads(request)["code"], json.loads(stages)["run"]) for number, language, request, stages in rows]
    return read


def test_execute(server):
    answer = server.post("/execute", {"code": BOTH})
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"output", "time", "memory", "exit_code"}
    assert body["output"] == "out\nerr\nout again\n"
    assert body["exit_code"] == 0
    assert isinstance(body["time"], float) and 0 < body["time"] < 5
    assert isinstance(body["memory"], int) and body["memory"] > 100000


@pytest.mark.parametrize("code, exit_code", [
    ("raise SystemExit(7)", 7), ("1/0", 1), ("import os\nos.kill(os.getpid(), 11)", 139), ("print('x' * (1 << 26))", 137),
])
def test_execute_exit_codes(server, code, exit_code):
    assert server.post("/execute", {"code": code}).json()["exit_code"] == exit_code


def test_submit_is_stored_before_the_answer(server, submissions):
    body = server.post("/submit", {"code": BOTH}).json()
    assert set(body) == {"submission_id", "output", "time", "memory", "exit_code"}
    rows = {row[0]: row for row in submissions()}
    _, language, code, run = rows[body["submission_id"]]
    assert (language, code, run["stdout"], run["exit_code"]) == ("python", BOTH, "out\nerr\nout again\n", 0)
    assert (round(run["wall_ms"] / 1e3, 6), run["memory_bytes"]) == (body["time"], body["memory"])


def test_submit_ids_grow(server):
    ids = [server.post("/submit", {"code": "print(1)"}).json()["submission_id"] for _ in range(3)]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("code", ["raise SystemExit(7)", "(", "import os\nos.kill(os.getpid(), 9)"])
def test_submit_does_not_store_what_failed(server, submissions, code):
    before = len(submissions())
    body = server.post("/submit", {"code": code}).json()
    assert body["submission_id"] == -1 and body["exit_code"] != 0
    assert len(submissions()) == before


def test_submit_says_so_when_it_cannot_store(server, submissions):
    """A lie would be an id for what is on no disk."""
    with contextlib.closing(sqlite3.connect(server.data / "glimpse.db", isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")  # the server waits for 5 s, then gives up
        answer = server.post("/submit", {"code": "print(1)"})
        db.execute("ROLLBACK")
    assert answer.status_code == 500
    assert "could not be stored" in answer.json()["detail"]
    assert server.post("/submit", {"code": "print(1)"}).json()["submission_id"] > 0


@pytest.mark.parametrize("path", ["/execute", "/submit"])
@pytest.mark.parametrize("body", [{}, {"code": None}, {"code": 5}, [], b"{"])
def test_execute_and_submit_bad_requests(server, path, body):
    answer = server.post(path, body)
    assert answer.status_code == 400 and set(answer.json()) == {"detail"}


# --- POST /run, GET /run, GET /languages ---

def test_run_names(server):
    names = server.get("/languages").json()
    assert {"python3", "nodejs", "go", "java", "c", "cpp", "ruby", "bash", "kotlin", "typescript"} <= set(names)
    for name in names:
        body = server.post("/run", {"lang": name, "code": "<?php ((((" if name == "php" else "(((("}).json()
        assert body["status"] in ("compile_error", "runtime_error"), (name, body)


@pytest.mark.parametrize("params, expected", [(["a", "b c"], "['a', 'b c']\n"), ("a b", "['a b']\n"), ([], "[]\n"), (None, "[]\n")])
def test_run_params_are_arguments(server, params, expected):
    body = server.post("/run", {"lang": "python3", "code": "import sys\nprint(sys.argv[1:])", "params": params}).json()
    assert body == {"status": "ok", "output": expected}


def test_run_by_get_with_a_query_or_a_body(server):
    fields = {"lang": "nodejs", "code": "console.log(`+ & ${process.argv[2]}`)", "params": "é?"}
    expected = {"status": "ok", "output": "+ & é?\n"}
    assert server.get("/run", params=fields).json() == expected
    assert server.get("/run", json=fields).json() == expected


def test_run_both_streams_and_failures(server):
    body = server.post("/run", {"lang": "python3", "code": BOTH + "\nraise SystemExit(1)"}).json()
    assert body == {"status": "runtime_error", "output": "out\nerr\nout again\n"}


@pytest.mark.parametrize("fields", [{"code": "x"}, {"lang": "go"}, {"lang": "", "code": "x"}, {"lang": "go", "code": "x", "params": 5},
                                    {"lang": "go", "code": "x", "params": [5]}])
def test_run_bad_requests(server, fields):
    answer = server.post("/run", fields)
    assert answer.status_code == 400
    assert set(answer.json()) == {"status", "output"} and answer.json()["status"] == "error"


def test_run_unknown_language(server):
    answer = server.get("/run", params={"lang": "cobol", "code": "x"})
    assert (answer.status_code, answer.json()["status"]) == (422, "error")


# --- POST /, POST /run/{lang} ---

def message(answer, status=200):
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"message"}
    return answer.json()["message"]


def test_root(server):
    assert message(server.post("/", {"code": "print('Hello, World!')"})) == "Hello, World!\r\n"
    assert message(server.post("/", {"code": "print(input())", "input": "With input!"})) == "With input!\r\n"


@pytest.mark.parametrize("language, code", [("python", "print('Hello, World!')"), ("javascript", "console.log('Hello, World!')"),
                                            ("ruby", "puts 'Hello, World!'")])
def test_run_language(server, language, code):
    assert message(server.post(f"/run/{language}", {"code": code})) == "Hello, World!\r\n"


def test_run_language_shows_both_streams(server):
    assert message(server.post("/run/python", {"code": BOTH})) == "out\r\nerr\r\nout again\r\n"
    assert "SyntaxError" in message(server.post("/run/python", {"code": "("}))


@pytest.mark.parametrize("path", ["/", "/run/python", "/run/unsupported"])
@pytest.mark.parametrize("body", [{}, {"code": ""}, {"code": None}])
def test_code_is_required(server, path, body):
    assert message(server.post(path, body), 400) == "Code is required"


@pytest.mark.parametrize("path, body", [("/run/unsupported", {"code": "x"}), ("/", {"code": "x", "lang": "unsupported"})])
def test_language_not_supported(server, path, body):
    words, _, names = message(server.post(path, body), 400).partition(": ")
    assert words == "Language not supported. The languages supported are"
    assert {"python", "javascript", "ruby", "go"} <= set(names.split(", "))


@pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(9)"])
def test_timeout_after_3_seconds(server, code):
    assert message(server.post("/run/python", {"code": code}), 408) == "Timeout of 3000 exceeded"


def test_bad_bodies_have_the_shape_too(server):
    assert "object" in message(server.post("/run/python", []), 400)
    assert "JSON" in message(server.post("/", b"nonsense"), 400)
    assert "string" in message(server.post("/", {"code": 5}), 400)


# --- What all of them have in common ---

COMPAT_POSTS = ["/run-code-pool", "/run-code-lambda", "/execute", "/submit", "/run", "/", "/run/python"]


@pytest.mark.parametrize("path", COMPAT_POSTS)
def test_content_type_does_not_matter(server, path):
    body = b'{"language": "py", "lang": "python", "code": "print(42)"}'
    for headers in ({"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}):
        answer = server.post(path, body, headers=headers)
        assert answer.status_code == 200 and "42" in answer.text


@pytest.mark.parametrize("path", COMPAT_POSTS)
def test_pages_of_any_origin_may_call(server, path):
    preflight = requests.options(server.url + path, timeout=10, headers={
        "Origin": "https://example.org", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"})
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "content-type" in preflight.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert server.post(path, {}).headers["Access-Control-Allow-Origin"] == "*"


def test_v1_is_for_its_own_origin(server):
    assert "Access-Control-Allow-Origin" not in server.get("/v1/languages").headers
