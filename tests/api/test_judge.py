"""POST /v1/judge: one program against many cases; comparators and checkers."""
import base64
import concurrent.futures
import json
import time

import pytest

import glimpse_server
from glimpse_server import Server, comm, descendants, wait_until

# Prints its input, which so is what is compared.
CAT = "import sys\nsys.stdout.write(sys.stdin.read())"
SQUARE_C = '#include <stdio.h>\n/* %s */\nint main(void) { int n; if (scanf("%%d", &n) != 1) return 3; printf("%%d\\n", n * n); return 0; }\n'


def judge(server, program, cases, **more):
    """The answer, which must be 200."""
    if isinstance(program, str):
        program = {"language": "python", "code": program}
    answer = server.post("/v1/judge", {**program, "cases": cases, **more}, timeout=120)
    assert answer.status_code == 200, answer.text
    return answer.json()


def verdicts(result):
    return [case["verdict"] for case in result["cases"]]


# --- Comparators, each from end to end; tests/unit/test_judge_compare.c has every edge ---

COMPARATORS = [
    # comparator, printed, expected, accepted
    (None, "a  \nb\r\n\n", "a\nb", True),
    (None, " a", "a", False),
    ("trimmed", "a\n\n\n", "a", True),
    ("exact", "a\n", "a\n", True),
    ("exact", "a", "a\n", False),
    ("tokens", "1\n2 3", "1 2\t3\n", True),
    ("tokens", "12 3", "1 2 3", False),
    ("case_insensitive", "YES \n", "yes", True),
    ("case_insensitive", "YES", "no", False),
    ("floats", "0.3333333 x", "0.33333333 x", True),
    ("floats", "0.334", "0.333", False),
    ({"type": "floats", "absolute": 0.01}, "0.334", "0.333", True),
    ({"type": "floats", "absolute": 0.01}, "1000.5", "1000", False),
    ({"type": "floats", "relative": 0.01}, "1000.5", "1000", True),
    ({"type": "floats", "relative": 0.01}, "0.0001", "0", False),
    ({"type": "floats", "absolute": 0, "relative": 0}, "1.0", "1", True),
    ("floats", "nan -inf", "NaN -Infinity", True),
    ("floats", "inf", "-inf", False),
    ({"type": "tokens", "ignore_case": True}, "Case  #1: Yes", "case #1: yes", True),
    ("unordered_lines", "b\na\na\n", "a\nb\na\n", True),
    ("unordered_lines", "b\na\n", "a\nb\na\n", False),
]


@pytest.mark.parametrize("row", range(len(COMPARATORS)))
def test_comparator(server, row):
    comparator, printed, expected, accepted = COMPARATORS[row]
    result = judge(server, CAT, [{"stdin": printed, "expected": expected}], comparator=comparator)
    assert verdicts(result) == ["accepted" if accepted else "wrong_answer"]
    assert result["verdict"] == verdicts(result)[0]
    assert (result["cases"][0]["difference"] is None) == accepted


def test_bytes_that_are_no_text(server):
    data = base64.b64encode(bytes(range(256))).decode()
    echo = "import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read())"
    cases = [{"stdin": {"content": data, "encoding": "base64"}, "expected": {"content": data, "encoding": "base64"}},
             {"stdin": {"content": "/w==", "encoding": "base64"}, "expected": "ÿ"}]
    result = judge(server, echo, cases, comparator="exact")
    assert verdicts(result) == ["accepted", "wrong_answer"]
    assert result["cases"][1]["difference"] == {"line": 1, "column": 1, "expected": "ÿ", "actual": "�"}


def test_the_difference_is_shown(server):
    long = "é" * 200
    cases = [{"stdin": "one\ntwo\nthree\n", "expected": "one\ntwo\nthRee\n"}, {"stdin": "1\n", "expected": "1\n2\n"},
             {"stdin": "1\n2\n", "expected": "1\n"}, {"stdin": f"{long}x{long}", "expected": f"{long}y{long}"}]
    shown = [case["difference"] for case in judge(server, CAT, cases)["cases"]]
    assert shown[0] == {"line": 3, "column": 3, "expected": "thRee", "actual": "three"}
    assert shown[1] == {"line": 2, "column": 1, "expected": "2", "actual": None}
    assert shown[2] == {"line": 2, "column": 1, "expected": None, "actual": "2"}
    assert (shown[3]["line"], shown[3]["column"]) == (1, 201)
    for text, middle in ((shown[3]["expected"], "y"), (shown[3]["actual"], "x")):
        assert text.startswith("…é") and text.endswith("é…") and f"é{middle}é" in text and len(text.encode()) < 200


def test_long_outputs_are_compared_elsewhere(server):
    """As much as a thread compares: with the last line wrong, and with all right in another order."""
    lines = [f"line {i}" for i in range(40000)]
    code = "import sys\nlines = [f'line {i}' for i in range(40000)]\nif input() == 'wrong': lines[-1] = 'LINE'\nprint(*reversed(lines), sep='\\n')"
    cases = [{"stdin": word, "expected": "\n".join(lines)} for word in ("right", "wrong")]
    result = judge(server, code, cases, comparator="unordered_lines")
    assert verdicts(result) == ["accepted", "wrong_answer"]
    assert result["cases"][1]["difference"] == {"line": 1, "column": 1, "expected": "line 39999", "actual": "LINE"}
    ordered = judge(server, code.replace("reversed(lines)", "lines"), cases, comparator="trimmed")
    assert verdicts(ordered) == ["accepted", "wrong_answer"]
    assert ordered["cases"][1]["difference"]["line"] == 40000


# --- Many cases ---

def test_a_thousand_cases_are_compiled_once(server):
    cases = [{"stdin": str(i), "expected": str(i * i)} for i in range(1000)]
    result = judge(server, {"language": "c", "code": SQUARE_C % "thousand"}, cases)
    assert (result["verdict"], result["passed"], result["total"]) == ("accepted", 1000, 1000)
    assert (result["score"], result["max_score"]) == (1000, 1000)
    assert result["compile"]["cached"] is False and result["compile"]["cpu_ms"] > 0
    assert [case["case"] for case in result["cases"]] == list(range(1000))
    assert result["max"]["cpu_ms"] == max(case["run"]["cpu_ms"] for case in result["cases"])
    assert result["max"]["memory_bytes"] == max(case["run"]["memory_bytes"] for case in result["cases"])
    assert judge(server, {"language": "c", "code": SQUARE_C % "thousand"}, cases[:3])["compile"]["cached"] is True


@pytest.mark.parametrize("settings", [{}, {"cache": "0"}], ids=["by request", "by configuration"])
def test_without_the_cache_it_is_compiled_once_as_well(settings):
    """The server's own figures count compile stages."""
    with Server(config=settings) as server:
        def compiled():
            return sum(float(line.split()[-1]) for line in server.get("/metrics").text.splitlines()
                       if line.startswith("glimpse_run_phase_seconds_count") and 'phase="compile"' in line)

        before = compiled()
        cases = [{"stdin": str(i), "expected": str(i * i)} for i in range(20)]
        result = judge(server, {"language": "c", "code": SQUARE_C % "uncached", "cache": False}, cases)
        assert result["passed"] == 20 and result["compile"]["cached"] is False
        assert compiled() == before + 1


def test_others_come_in_between(server):
    """A run that is sent while a judge has a hundred cases left does not wait for them."""
    cases = [{"stdin": "", "expected": ""} for _ in range(60)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        judged = pool.submit(judge, server, {"language": "bash", "code": "sleep 0.2"}, cases)
        time.sleep(0.5)
        for _ in range(3):
            assert server.run({"language": "bash", "code": "echo hi"})["stages"]["run"]["stdout"] == "hi\n"
            assert not judged.done()
        assert judged.result()["passed"] == 60


def test_a_small_queue_is_no_obstacle():
    with Server(config={"max_running": 2, "max_queued": 1}) as server:
        cases = [{"stdin": str(i), "expected": f"{i * i}\n"} for i in range(30)]
        result = judge(server, {"language": "c", "code": SQUARE_C % "small"}, cases,
                       checker={"language": "bash", "code": "cmp -s $2 $3"})
        assert result["passed"] == 30


# --- Verdicts ---

FAILURES = [
    # language, code, limits, verdict, status
    ("python", "raise SystemExit(3)", {}, "runtime_error", "runtime_error"),
    ("python", "import os\nos.abort()", {}, "runtime_error", "signaled"),
    ("python", "while True: pass", {"cpu_time_ms": 200}, "time_limit", "cpu_time_limit"),
    ("bash", "sleep 60", {"wall_time_ms": 200}, "time_limit", "wall_time_limit"),
    ("python", "x = bytearray(100 << 20)", {"memory_bytes": 32 << 20}, "memory_limit", "memory_limit"),
    ("python", "print('x' * 100000)", {"output_bytes": 1000}, "output_limit", "output_limit"),
]


@pytest.mark.parametrize("row", range(len(FAILURES)))
def test_verdict_of_a_failure(server, row):
    language, code, limits, verdict, status = FAILURES[row]
    result = judge(server, {"language": language, "code": code}, [{"expected": "x"}], limits={"run": limits})
    case = result["cases"][0]
    assert (case["verdict"], case["run"]["status"], result["verdict"]) == (verdict, status, verdict)
    assert case["score"] == 0 and case["difference"] is None
    if "limit" in status:
        assert case["message"] and result["message"] == case["message"]


def test_limits_are_for_each_case(server):
    """Ten cases of 0.1 s of CPU time each, with a limit of 0.5 s."""
    code = "import time\nwhile time.process_time() < 0.1: pass\nprint(1)"
    assert judge(server, code, [{"expected": "1"}] * 10, limits={"run": {"cpu_time_ms": 500}})["passed"] == 10


def test_a_program_that_does_not_compile(server):
    result = judge(server, {"language": "c", "code": "int main(void) { return a; }\n"}, [{"expected": ""}] * 2)
    assert (result["verdict"], verdicts(result)) == ("compile_error", ["skipped", "skipped"])
    assert "undeclared" in result["compile"]["stderr"]
    assert result["cases"][0]["run"] is None


def test_weights_make_the_score(server):
    cases = [{"stdin": "1", "expected": "1", "weight": 10}, {"stdin": "2", "expected": "3", "weight": 20},
             {"stdin": "3", "expected": "3", "weight": 0.5}, {"stdin": "4", "expected": "4"}, {"stdin": "5", "expected": "5", "weight": 0}]
    result = judge(server, CAT, cases)
    assert [case["score"] for case in result["cases"]] == [10, 0, 0.5, 1, 0]
    assert (result["score"], result["max_score"], result["passed"]) == (11.5, 31.5, 4)


def test_names_and_arguments(server):
    code = "import sys\nprint(*sys.argv[1:])"
    cases = [{"args": ["c", ""], "expected": "a b c ", "name": "erste Prüfung"}, {"expected": "a b"}]
    result = judge(server, {"language": "python", "code": code, "args": ["a", "b"]}, cases, comparator="exact", return_output="all")
    assert [case["name"] for case in result["cases"]] == ["erste Prüfung", None]
    assert [case["run"]["stdout"] for case in result["cases"]] == ["a b c \n", "a b\n"]


def test_stops_on_the_first_failure(server):
    """What is slower than later ones, and fails, ends them; what an outcome is does not depend on who was quicker."""
    code = "import time\nn = int(input())\ntime.sleep(0.5 if n == 3 else 0)\nprint(n)"
    cases = [{"stdin": str(n), "expected": "x" if n in (3, 5) else str(n)} for n in range(12)]
    result = judge(server, code, cases, stop_on_first_failure=True, return_output="all")
    assert verdicts(result) == ["accepted"] * 3 + ["wrong_answer"] + ["skipped"] * 8
    assert (result["verdict"], result["passed"], result["score"]) == ("wrong_answer", 3, 3)
    assert all(case["run"] is None and case["difference"] is None for case in result["cases"][4:])
    without = judge(server, code, cases)
    assert [verdicts(without)[i] for i in (3, 4, 5, 6)] == ["wrong_answer", "accepted", "wrong_answer", "accepted"]


def test_which_outputs_come_back(server):
    cases = [{"stdin": "1", "expected": "1"}, {"stdin": "2", "expected": "3"}]
    code = CAT + "\nprint('said', file=sys.stderr)"
    for which, expected in ((None, [None, None]), ("none", [None, None]), ("failed", [None, "2"]), ("all", ["1", "2"])):
        result = judge(server, code, cases, return_output=which)
        assert [case["run"].get("stdout") for case in result["cases"]] == expected, which
    assert result["cases"][0]["run"]["stderr"] == "said\n"
    encoded = judge(server, code, cases, return_output="all", output_encoding="base64")
    assert encoded["cases"][0]["run"]["stdout"] == base64.b64encode(b"1").decode()


def test_outputs_that_come_back_are_bounded(server):
    code = "print('é' * 400000)"
    result = judge(server, code, [{"expected": ""}] * 100, return_output="all")
    for case in result["cases"]:
        run = case["run"]
        assert run["truncated"]["stdout"] is True and run["binary"] is False
        assert (4 << 20) // 100 - 4 <= len(run["stdout"].encode()) <= (4 << 20) // 100


# --- Checkers ---

CHECKER_C = """
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    char line[100] = "";
    FILE *output = fopen(argv[2], "r");
    if (argc < 4 || output == NULL || fgets(line, sizeof line, output) == NULL) return 3;
    fprintf(stderr, "points 2.5 because of %s", line);
    return atoi(line);
}
"""
EXITS = {"0": "accepted", "1": "wrong_answer", "2": "presentation_error", "3": "checker_error", "4": "presentation_error", "7": "partial",
         "8": "presentation_error", "42": "accepted", "43": "wrong_answer", "5": "checker_error", "255": "checker_error"}


def test_a_checker_in_c(server):
    cases = [{"stdin": code, "expected": "", "weight": 4} for code in EXITS]
    result = judge(server, CAT, cases, checker={"language": "c", "code": CHECKER_C})
    assert dict(zip(EXITS, verdicts(result))) == EXITS
    assert [case["score"] for case in result["cases"]] == [{"accepted": 4, "partial": 2.5}.get(verdict, 0) for verdict in EXITS.values()]
    assert result["cases"][1]["feedback"] == "points 2.5 because of 1"
    assert all(case["message"] for case in result["cases"] if case["verdict"] == "checker_error")
    assert result["checker"]["language"] == "c" and result["checker"]["compile"]["status"] == "ok"


def test_a_checker_gets_all_three_files(server):
    checker = "import sys\nprint([open(path).read() for path in sys.argv[1:4]], sys.argv[4:], sys.stdin.read(), file=sys.stderr)"
    result = judge(server, "print(input() * 2)", [{"stdin": "ab", "expected": "yes"}],
                   checker={"language": "python", "code": checker, "args": ["more"]})
    assert result["cases"][0]["feedback"] == "['ab', 'abab\\n', 'yes'] ['more'] \n"
    assert result["cases"][0]["verdict"] == "accepted"


def test_a_checker_by_the_icpc_protocol(server):
    checker = """
import os, sys
given, answer, folder = sys.argv[1:4]
open(os.path.join(folder, "judgemessage.txt"), "w").write("unseen")
print("seen", file=sys.stderr)
sys.exit(42 if sys.stdin.read() == open(given).read() + open(answer).read() else 43)
"""
    checker = {"language": "python", "code": checker, "protocol": "icpc"}
    result = judge(server, CAT, [{"stdin": "a", "expected": ""}, {"stdin": "a", "expected": "b"}], checker=checker)
    assert verdicts(result) == ["accepted", "wrong_answer"]
    assert result["cases"][0]["feedback"] == "seen\n"
    zero = judge(server, CAT, [{"stdin": "a"}], checker={"language": "bash", "code": "exit 0", "protocol": "icpc"})
    assert verdicts(zero) == ["checker_error"]


BAD_CHECKERS = {
    "hangs": ({"language": "bash", "code": "sleep 60", "limits": {"run": {"wall_time_ms": 300}}}, "longer than 300 ms"),
    "crashes": ({"language": "bash", "code": "kill -SEGV $$"}, "SIGSEGV"),
    "floods": ({"language": "bash", "code": "yes >&2", "limits": {"run": {"output_bytes": 10000}}}, "wrote more than"),
    "eats memory": ({"language": "python", "code": "x = bytearray(200 << 20)", "limits": {"run": {"memory_bytes": 32 << 20}}}, "memory"),
    "has no points": ({"language": "bash", "code": "echo all right >&2; exit 7"}, "points"),
    "means nothing": ({"language": "bash", "code": "exit 99"}, "99"),
}


@pytest.mark.parametrize("name", BAD_CHECKERS)
def test_a_bad_checker(server, name):
    checker, says = BAD_CHECKERS[name]
    result = judge(server, CAT, [{"stdin": "1"}], checker=checker)
    assert result["verdict"] == "checker_error"
    assert says in result["cases"][0]["message"]
    assert result["cases"][0]["run"]["status"] == "ok"  # the program's
    assert len((result["cases"][0]["feedback"] or "").encode()) <= 1000


def test_a_checker_that_does_not_compile(server):
    result = judge(server, {"language": "c", "code": SQUARE_C % "unchecked"}, [{"stdin": "1"}], checker={"language": "c", "code": "x"})
    assert (result["verdict"], verdicts(result)) == ("checker_error", ["skipped"])
    assert "does not compile" in result["message"]
    assert "error" in result["checker"]["compile"]["stderr"]


def test_a_checker_is_not_given_what_failed(server):
    result = judge(server, "print(1)\nraise SystemExit(1)", [{"expected": "1"}], checker={"language": "bash", "code": "exit 0"})
    assert verdicts(result) == ["runtime_error"] and result["cases"][0]["feedback"] is None


def test_a_program_cannot_reach_the_checkers_files(server):
    """They are in another box: /box/case is the checker's, and what a program makes there stays in its own."""
    code = "import os\nos.mkdir('case')\nopen('case/answer.txt', 'w').write('mine')\nprint('mine')"
    result = judge(server, code, [{"expected": "theirs"}], checker={"language": "bash", "code": "cmp $2 $3"})
    assert verdicts(result) == ["wrong_answer"]


# --- Bad input ---

OK = {"language": "python", "code": "", "cases": [{}]}
CHECK = {"language": "bash", "code": ""}
BAD = {
    "no cases": ({"language": "python", "code": ""}, "cases", "missing"),
    "cases null": ({**OK, "cases": None}, "cases", "missing"),
    "cases is an object": ({**OK, "cases": {}}, "cases", "array"),
    "cases is empty": ({**OK, "cases": []}, "cases", "1 to 1000"),
    "too many cases": ({**OK, "cases": [{}] * 1001}, "cases", "1001"),
    "a case is a string": ({**OK, "cases": [{}, "x"]}, "cases[1]", "object"),
    "unknown field in a case": ({**OK, "cases": [{"input": ""}]}, "cases[0].input", "stdin"),
    "stdin of a case": ({**OK, "cases": [{"stdin": 1}]}, "cases[0].stdin", "string"),
    "stdin's encoding": ({**OK, "cases": [{"stdin": {"content": "", "encoding": "hex"}}]}, "cases[0].stdin.encoding", "base64"),
    "expected of a case": ({**OK, "cases": [{"expected": []}]}, "cases[0].expected", "string"),
    "expected is not base64": ({**OK, "cases": [{"expected": {"content": "?", "encoding": "base64"}}]}, "cases[0].expected.content", "base64"),
    "args of a case": ({**OK, "cases": [{"args": "x"}]}, "cases[0].args", "array"),
    "an argument of a case": ({**OK, "cases": [{}, {"args": ["a", 1]}]}, "cases[1].args[1]", "string"),
    "an argument with NUL": ({**OK, "cases": [{"args": ["\0"]}]}, "cases[0].args[0]", "NUL"),
    "too many arguments": ({**OK, "args": ["x"] * 200, "cases": [{"args": ["x"] * 200}]}, "cases[0].args", "256"),
    "weight is a string": ({**OK, "cases": [{"weight": "1"}]}, "cases[0].weight", "number"),
    "weight below 0": ({**OK, "cases": [{"weight": -0.1}]}, "cases[0].weight", "0 to"),
    "weight too large": ({**OK, "cases": [{"weight": 1e7}]}, "cases[0].weight", "1000000"),
    "name is a number": ({**OK, "cases": [{"name": 1}]}, "cases[0].name", "string"),
    "name too long": ({**OK, "cases": [{"name": "x" * 101}]}, "cases[0].name", "100"),
    "name with NUL": ({**OK, "cases": [{"name": "\0"}]}, "cases[0].name", "NUL"),
    "stdin for all": ({**OK, "stdin": ""}, "stdin", "each case"),
    "comparator unknown": ({**OK, "comparator": "fuzzy"}, "comparator", "\"exact\""),
    "comparator is a number": ({**OK, "comparator": 1}, "comparator", "string or an object"),
    "comparator without type": ({**OK, "comparator": {"absolute": 1}}, "comparator.type", "missing"),
    "comparator of unknown type": ({**OK, "comparator": {"type": 1}}, "comparator.type", "\"floats\""),
    "unknown field in comparator": ({**OK, "comparator": {"type": "floats", "epsilon": 1}}, "comparator.epsilon", "absolute"),
    "a tolerance for words": ({**OK, "comparator": {"type": "tokens", "absolute": 1}}, "comparator.absolute", "floats"),
    "absolute below 0": ({**OK, "comparator": {"type": "floats", "absolute": -1}}, "comparator.absolute", "0 to"),
    "relative above 1": ({**OK, "comparator": {"type": "floats", "relative": 1.5}}, "comparator.relative", "0 to 1"),
    "relative is a string": ({**OK, "comparator": {"type": "floats", "relative": "1"}}, "comparator.relative", "number"),
    "ignore_case is a number": ({**OK, "comparator": {"type": "exact", "ignore_case": 1}}, "comparator.ignore_case", "true or false"),
    "checker is a string": ({**OK, "checker": "x"}, "checker", "object"),
    "checker without language": ({**OK, "checker": {"code": ""}}, "checker.language", "missing"),
    "checker without code": ({**OK, "checker": {"language": "c"}}, "checker.code", "missing"),
    "checker in no language": ({**OK, "checker": {"language": "cobol", "code": ""}}, "checker.language", "python"),
    "checker in no version": ({**OK, "checker": {"language": "c", "version": "1", "code": ""}}, "checker.version", "not 1"),
    "checker with stdin": ({**OK, "checker": {**CHECK, "stdin": ""}}, "checker.stdin", "not a field"),
    "checker's protocol": ({**OK, "checker": {**CHECK, "protocol": "ejudge"}}, "checker.protocol", "\"testlib\" or \"icpc\""),
    "checker's limit": ({**OK, "checker": {**CHECK, "limits": {"run": {"processes": 0}}}}, "checker.limits.run.processes", "at least"),
    "checker's file": ({**OK, "checker": {"language": "c", "files": [{"name": "/x", "content": ""}]}}, "checker.files[0].name", "relative"),
    "checker's folder": ({**OK, "checker": {"language": "c", "files": [{"name": "m.c", "content": ""}, {"name": "case/x", "content": ""}]}},
                         "checker.files[1].name", "folder"),
    "checker and comparator": ({**OK, "checker": CHECK, "comparator": "exact"}, "checker", "exclude"),
    "stop_on_first_failure": ({**OK, "stop_on_first_failure": 1}, "stop_on_first_failure", "true or false"),
    "return_output": ({**OK, "return_output": True}, "return_output", "\"failed\""),
    "a field of the program": ({**OK, "limits": {"run": {"wall_time_ms": 1}}}, "limits.run.wall_time_ms", "at least"),
    "language unknown": ({**OK, "language": "cobol"}, "language", "python"),
    "files to bring back": ({**OK, "collect": ["x"]}, "collect", "not a field"),
    "a checker's files to bring back": ({**OK, "checker": {**CHECK, "collect": ["x"]}}, "checker.collect", "not a field"),
    "unknown field": ({**OK, "case": []}, "case", "cases"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(server, problem, name):
    request, field, word = BAD[name]
    assert word in problem(server.post("/v1/judge", request), 422, field)


def test_bad_bodies(server, problem):
    problem(server.post("/v1/judge", b"{"), 400)
    problem(server.post("/v1/judge", b"{}", headers={"Content-Type": "text/plain"}), 415)
    problem(server.post("/v1/judge", b" " * ((16 << 20) + 1)), 413)


# --- Hanging up, and stopping ---

def programs(server, name):
    """How many programs of this name are in boxes."""
    return sum(comm(pid) == name for pid in descendants(server.pid_of("glimpse-boxd")))


HANG_UPS = {
    "while it runs": {"language": "bash", "code": "sleep 30"},
    "while it is checked": {"language": "bash", "code": "", "checker": {"language": "bash", "code": "sleep 30"}},
}


@pytest.mark.parametrize("name", HANG_UPS)
def test_hanging_up_ends_all(server, raw, name):
    body = json.dumps({**HANG_UPS[name], "cases": [{}] * 50}).encode()
    client = raw().send(b"POST /v1/judge HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert wait_until(lambda: programs(server, "sleep") > 0, 20)
    client.close()
    assert wait_until(lambda: programs(server, "sleep") == 0, 20)
    assert server.run({"language": "bash", "code": "echo on"})["stages"]["run"]["stdout"] == "on\n"


def test_hanging_up_at_any_time(server, raw):
    bodies = [json.dumps(body).encode() for body in (
        {"language": "cpp", "code": "#include <regex>\nint main() { std::regex r(\"a\"); }", "cases": [{}] * 9, "cache": False},
        {"language": "python", "code": CAT, "cases": [{"stdin": "x" * 300000, "expected": "x" * 299999}] * 9},
        {"language": "python", "code": CAT, "cases": [{"stdin": "1"}] * 9, "checker": {"language": "c", "code": CHECKER_C}, "cache": False},
        {"language": "python", "code": CAT, "cases": [{"stdin": "1"}] * 9, "stop_on_first_failure": True},
    )]
    for i in range(80):
        body = bodies[i % len(bodies)]
        client = raw().send(b"POST /v1/judge HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        time.sleep(0.004 * (i % 20))
        client.close()
    assert judge(server, CAT, [{"stdin": "1", "expected": "1"}])["verdict"] == "accepted"
    assert wait_until(lambda: programs(server, "cc1plus") == 0, 20)


def test_a_stopping_server_says_so():
    server = Server().start()
    try:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            body = {"language": "bash", "code": "sleep 0.5", "cases": [{}] * 200}
            answer = pool.submit(server.post, "/v1/judge", body)
            assert wait_until(lambda: programs(server, "sleep") > 0, 20)
            server.process.terminate()
            result = answer.result()
        assert result.status_code == 503
        assert result.json()["verdict"] == "cancelled"
        assert "cancelled" in verdicts(result.json())
        assert server.wait(glimpse_server.STOP_SECONDS) == 0
    finally:
        server.stop()


def test_it_still_works(server):
    assert judge(server, CAT, [{"stdin": "1", "expected": "1"}])["verdict"] == "accepted"
