"""POST /v1/judge with an interactor: two programs that talk to each other."""
import json

import pytest

from glimpse_server import Server, wait_until
from test_judge import judge, programs, verdicts

# The interactor knows a number (its input) and says "<", ">" or "="; it allows so many questions as the second number says.
HOST = """
import sys
secret, most = map(int, open(sys.argv[1]).read().split())
for asked in range(1, most + 1):
    line = sys.stdin.readline()
    if not line.strip().lstrip("-").isdigit():
        print("that is no number:", repr(line), file=sys.stderr)
        sys.exit(2)
    guess = int(line)
    print("=" if guess == secret else "<" if secret < guess else ">", flush=True)
    if guess == secret:
        print("found after", asked, file=sys.stderr)
        sys.exit(0)
print("too many questions", file=sys.stderr)
sys.exit(1)
"""
GUESS = """
low, high = 0, 1 << 20
while True:
    middle = (low + high) // 2
    print(middle, flush=True)
    answer = input()
    if answer == "=": break
    low, high = (low, middle - 1) if answer == "<" else (middle + 1, high)
"""
GUESS_C = """
#include <stdio.h>
int main(void)
{
    int low = 0, high = 1 << 20;
    for (;;) {
        int middle = (low + high) / 2;
        char answer;
        printf("%d\\n", middle);
        fflush(stdout);
        if (scanf(" %c", &answer) != 1) return 7;
        if (answer == '=') return 0;
        if (answer == '<') high = middle - 1; else low = middle + 1;
    }
}
"""
HOST_C = """
#include <stdio.h>
int main(int argc, char **argv)
{
    FILE *input = fopen(argv[1], "r");
    int secret, most, guess;
    if (argc != 4 || input == NULL || fscanf(input, "%d %d", &secret, &most) != 2) return 3;
    while (most-- > 0) {
        if (scanf("%d", &guess) != 1) return 2;
        printf("%c\\n", guess == secret ? '=' : secret < guess ? '<' : '>');
        fflush(stdout);
        if (guess == secret) return 0;
    }
    fprintf(stderr, "too many questions");
    return 1;
}
"""
CASE = {"stdin": "4711 25"}


def play(server, program, interactor=HOST, cases=(CASE,), language="python", **more):
    if isinstance(interactor, str):
        interactor = {"language": "python", "code": interactor}
    return judge(server, {"language": language, "code": program}, list(cases), interactor=interactor, **more)


def test_a_game_is_won(server):
    result = play(server, GUESS)
    case = result["cases"][0]
    assert (result["verdict"], case["run"]["status"]) == ("accepted", "ok")
    assert case["feedback"].startswith("found after ") and case["difference"] is None
    assert result["interactor"] == {"language": "python", "version": result["version"], "compile": None}


def test_many_games_of_compiled_programs(server):
    """Places for two at a time are all that is taken; those for which there are too few questions are lost."""
    cases = [{"stdin": f"{i * 9973} {25 if i % 4 else 3}"} for i in range(40)]
    result = play(server, GUESS_C, {"language": "c", "code": HOST_C}, cases, "c")
    assert verdicts(result) == ["accepted" if i % 4 else "wrong_answer" for i in range(40)]
    assert result["passed"] == 30 and result["score"] == 30
    assert result["cases"][0]["feedback"] == "too many questions"
    assert result["compile"]["status"] == result["interactor"]["compile"]["status"] == "ok"


def test_stops_on_the_first_lost_game(server):
    cases = [{"stdin": f"{i} {25 if i != 2 else 1}"} for i in range(10)]
    assert verdicts(play(server, GUESS, cases=cases, stop_on_first_failure=True)) == ["accepted"] * 2 + ["wrong_answer"] + ["skipped"] * 7


QUICK = {"limits": {"run": {"wall_time_ms": 700}}}
HOST_QUICK = {"language": "python", "code": HOST, "limits": {"run": {"wall_time_ms": 1500}}}
GAMES = {
    # program, interactor, more, verdict, words of feedback or message
    "it crashes": ("print(5, flush=True)\nimport os\nos.abort()", HOST, {}, "runtime_error", ""),
    "it exits with 1": ("print(5, flush=True)\nraise SystemExit(1)", HOST, {}, "runtime_error", ""),
    "it says too little": ("print(5)", HOST, {}, "presentation_error", "no number"),
    "it says nonsense": ("print('five', flush=True)\nimport time\ntime.sleep(60)", HOST, {}, "presentation_error", "no number"),
    "it asks too often": ("while True: print(5, flush=True); input()", HOST, {}, "wrong_answer", "too many questions"),
    "it does not read": ("while True: print(5)", HOST, {}, "wrong_answer", "too many questions"),
    "it does not flush": ("import sys\nsys.stdout.write('5')\ninput()", HOST_QUICK, QUICK, "time_limit", "700 ms"),
    "it waits for ever": ("input()", HOST_QUICK, QUICK, "time_limit", "700 ms"),
    "it waits longer than the interactor": ("input()", {**HOST_QUICK, "limits": {"run": {"wall_time_ms": 500}}},
                                            {"limits": {"run": {"wall_time_ms": 20000}}}, "time_limit", "waited"),
    "it never ends": ("print(4711, flush=True)\nwhile True: pass", HOST, {"limits": {"run": {"cpu_time_ms": 300}}}, "time_limit", "300 ms"),
    "it writes on after it has won": ("print(4711, flush=True)\nwhile True: print(1)", HOST, {}, "accepted", "found"),
    "it closes its output and ends": ("import os, time\nos.close(1)\ntime.sleep(0.3)", HOST, {}, "presentation_error", "no number"),
    "it closes its output and stays": ("import os, time\nos.close(1)\ntime.sleep(60)", HOST, QUICK, "time_limit", "700 ms"),
    "it needs too much memory": ("print(1, flush=True)\nx = bytearray(100 << 20)", HOST, {"limits": {"run": {"memory_bytes": 32 << 20}}},
                                 "memory_limit", "32 MiB"),
    "the interactor crashes": (GUESS, "import os\nos.abort()", {}, "checker_error", "SIGABRT"),
    "the interactor means nothing": (GUESS, "raise SystemExit(99)", {}, "checker_error", "99"),
    "the interactor gives up": (GUESS, "raise SystemExit(3)", {}, "checker_error", "failed"),
    "the interactor goes on for ever": ("pass", {"language": "python", "code": "import time\ntime.sleep(60)",
                                                 "limits": {"run": {"wall_time_ms": 500}}}, {}, "checker_error", "500 ms"),
    "the interactor floods": (GUESS, {"language": "python", "code": "import sys\nwhile True: sys.stderr.write('x' * 1000)",
                                      "limits": {"run": {"output_bytes": 10000}}}, {}, "checker_error", "wrote more than"),
    "the interactor does not read": ("while True: print('x' * 1000)", "import time\ntime.sleep(0.3)\nraise SystemExit(0)", {}, "accepted", ""),
    "the interactor gives points": ("print(1)", "import sys\nsys.stderr.write('0.25 of one')\nraise SystemExit(7)", {}, "partial", "0.25"),
}


@pytest.mark.parametrize("name", GAMES)
def test_a_game(server, name):
    program, interactor, more, verdict, words = GAMES[name]
    result = play(server, program, interactor, **more)
    case = result["cases"][0]
    assert case["verdict"] == result["verdict"] == verdict, case
    assert words in case["message"] + (case["feedback"] or ""), case
    assert case["score"] == {"accepted": 1, "partial": 0.25}.get(verdict, 0)


def test_a_last_word_that_nobody_hears(server):
    """The program ends as soon as it has said what it knows; the interactor's answer to that is no error of its."""
    host = "import sys\nfor line in sys.stdin:\n    print(line, end='', flush=True)\nprint('x' * 10000, flush=True)"
    assert play(server, "print('only this')", host, [{}] * 20)["passed"] == 20


def test_a_program_in_c_that_writes_on_is_ended_by_the_pipe(server):
    code = '#include <stdio.h>\nint main(void) { puts("4711"); fflush(stdout); for (;;) puts("more"); }'
    case = play(server, code, {"language": "c", "code": HOST_C}, language="c")["cases"][0]
    assert (case["verdict"], case["run"]["signal"]) == ("accepted", "SIGPIPE")


def test_streams_may_be_opened_again(server):
    program = "out = open('/dev/stdout', 'w')\nprint(4711, file=out, flush=True)\nassert open('/dev/stdin').readline() == '=\\n'"
    assert play(server, program)["verdict"] == "accepted"


def test_by_the_icpc_protocol(server):
    host = """
import os, sys
given, answer, folder = sys.argv[1:4]
open(os.path.join(folder, "judgemessage.txt"), "w").close()
print(open(given).read(), flush=True)
sys.exit(42 if input() == open(answer).read() else 43)
"""
    interactor = {"language": "python", "code": host, "protocol": "icpc"}
    result = play(server, "print(int(input()) * 2)", interactor, [{"stdin": "21", "expected": "42"}, {"stdin": "21", "expected": "43"}])
    assert verdicts(result) == ["accepted", "wrong_answer"]


def test_an_interactor_that_does_not_compile(server):
    result = play(server, GUESS, {"language": "c", "code": "x"})
    assert (result["verdict"], verdicts(result)) == ("checker_error", ["skipped"])
    assert "interactor does not compile" in result["message"]


def test_what_goes_between_them_is_not_output(server):
    """A hundred times what output_bytes allows."""
    host = "import sys\nn = 0\nfor line in sys.stdin: n += len(line)\nprint(n, file=sys.stderr)"
    result = play(server, "for i in range(1000): print('x' * 999)", host, limits={"run": {"output_bytes": 10000}}, return_output="all")
    case = result["cases"][0]
    assert (case["verdict"], case["feedback"], case["run"]["stdout"]) == ("accepted", "1000000\n", "")


BAD = {
    "interactor is a string": ({"interactor": "x"}, "interactor", "object"),
    "interactor without code": ({"interactor": {"language": "c"}}, "interactor.code", "missing"),
    "interactor in no language": ({"interactor": {"language": "cobol", "code": ""}}, "interactor.language", "python"),
    "interactor with stdin": ({"interactor": {"language": "bash", "code": "", "stdin": ""}}, "interactor.stdin", "not a field"),
    "interactor's protocol": ({"interactor": {"language": "bash", "code": "", "protocol": 1}}, "interactor.protocol", "testlib"),
    "interactor's folder": ({"interactor": {"language": "bash", "files": [{"name": "case", "content": ""}]}}, "interactor.files[0].name", "folder"),
    "with a checker": ({"interactor": {"language": "bash", "code": ""}, "checker": {"language": "bash", "code": ""}}, "interactor", "exclude"),
    "with a comparator": ({"interactor": {"language": "bash", "code": ""}, "comparator": "exact"}, "interactor", "exclude"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(server, problem, name):
    more, field, word = BAD[name]
    assert word in problem(server.post("/v1/judge", {"language": "python", "code": "", "cases": [{}], **more}), 422, field)


def test_a_server_with_one_place_says_no(problem):
    with Server(config={"max_running": 1}) as server:
        body = {"language": "python", "code": GUESS, "cases": [CASE], "interactor": {"language": "python", "code": HOST}}
        assert "two" in problem(server.post("/v1/judge", body), 422, "interactor")


def test_two_judges_with_two_places_do_not_wait_for_each_other():
    """Each would get one place for one half of a pair, if places went one by one."""
    import concurrent.futures
    with Server(config={"max_running": 2}) as server, concurrent.futures.ThreadPoolExecutor() as pool:
        answers = [pool.submit(play, server, GUESS, cases=[CASE] * 10) for _ in range(4)]
        assert [answer.result()["passed"] for answer in answers] == [10] * 4


def test_hanging_up_ends_both(server, raw):
    body = json.dumps({"language": "bash", "code": "sleep 30", "interactor": {"language": "bash", "code": "sleep 30"}, "cases": [{}] * 9}).encode()
    client = raw().send(b"POST /v1/judge HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert wait_until(lambda: programs(server, "sleep") >= 2)
    client.close()
    assert wait_until(lambda: programs(server, "sleep") == 0)
