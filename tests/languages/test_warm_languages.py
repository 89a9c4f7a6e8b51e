"""A run in an interpreter that was forked into its box is one in a fresh interpreter, as far as a program can tell: every case of
warm/<language>.toml runs on servers with and without warm interpreters, and what it prints and how it ends must be the same bytes.

(Python's are in test_warm.py, with what holds for all of them.)
"""
import concurrent.futures
import difflib
import pathlib
import re
import time
import tomllib

import pytest

from glimpse_server import Server

TABLES = {path.stem: tomllib.loads(path.read_text()) for path in sorted((pathlib.Path(__file__).parent / "warm").glob("*.toml"))}
CASES = [(language, case) for language, table in TABLES.items() for case in table["case"]]
EVERYWHERE = {"hello", "environment", "arguments", "standard input", "no standard input", "descriptors", "what /proc tells", "exit status",
              "killed", "interrupted", "several files", "another main file", "empty file", "shebang", "unicode", "both streams", "much output",
              "clocks start with the program", "limit: wall time", "limit: CPU time", "limit: memory", "limit: processes", "limit: output",
              "limit: open files", "limit: size of a file"}
WAIT_SECONDS = 240  # JVMs take seconds of CPU time to boot


def program(language, case):
    request = {key: case[key] for key in ("code", "stdin", "args", "env") if key in case}
    if "files" in case:
        request["files"] = [{"name": name, "content": content} for name, content in case["files"].items()]
    return {"language": language, "limits": {"run": dict(case.get("limits", {}))}, **request}


def is_warm(server, language):
    return server.run({"language": language, "code": TABLES[language]["is_warm"]})["stages"]["run"]["stdout"] == "warm\n"


@pytest.fixture(scope="module")
def warm_server():
    with Server(config={"warm": 3, "warm_costly": "start", "slots": 128}) as server:
        deadline = time.monotonic() + WAIT_SECONDS
        while not all(is_warm(server, language) for language in TABLES) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield server


@pytest.fixture(scope="module")
def cold_server():
    with Server(config={"warm": 0}) as server:
        yield server


def seen(answer, language):
    """Without addresses, and lines that differ from run to run."""
    stage = answer["stages"]["run"] or answer["stages"]["compile"]
    varies = "|".join(TABLES[language].get("varies", ["(?!)"]))
    texts = {key: [re.sub(r"0x[0-9a-f]{6,}", "0x", line) for line in stage[key].split("\n") if not re.search(varies, line)]
             for key in ("stdout", "stderr")}
    return {**texts, **{key: stage[key] for key in ("exit_code", "signal", "truncated", "binary")}, "status": answer["status"]}


def compare(warm_server, cold_server, language, case):
    warm, cold = (seen(server.run(program(language, case)), language) for server in (warm_server, cold_server))
    for stream in ("stdout", "stderr"):
        assert list(difflib.unified_diff(cold.pop(stream), warm.pop(stream), "cold", "warm", lineterm="", n=0)) == []
    assert warm == cold


@pytest.mark.parametrize("language", TABLES)
def test_it_is_warm(warm_server, cold_server, language):
    assert is_warm(warm_server, language) and not is_warm(cold_server, language)


@pytest.mark.parametrize("language", TABLES)
def test_has_the_usual_cases(language):
    table = TABLES[language]
    names = {case["name"] for case in table["case"]}
    elsewhere = {case["name"] for case in TABLES.get(table.get("same_runtime_as"), {"case": []})["case"]}
    assert EVERYWHERE <= names | elsewhere, f"missing: {EVERYWHERE - names - elsewhere}"
    assert len(names) == len(TABLES[language]["case"])


@pytest.mark.parametrize(("language", "case"), CASES, ids=[f"{language}: {case['name']}" for language, case in CASES])
def test_case(warm_server, cold_server, language, case):
    compare(warm_server, cold_server, language, case)


@pytest.mark.parametrize("language", TABLES)
def test_as_a_terminal_shows_it(warm_server, cold_server, language):
    """/execute has stdout and stderr on one terminal."""
    request = {"language": language, "code": TABLES[language]["terminal"]}
    outputs = [server.post("/execute", request).json()["output"] for server in (warm_server, cold_server)]
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize(("language", "code"), [(language, code) for language, table in TABLES.items() for code in table["random"]])
def test_what_is_random_differs(warm_server, language, code):
    """In more runs than there are idle boxes at first."""
    def run(_):
        return warm_server.run({"language": language, "code": code})["stages"]["run"]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(run, range(16)))
    outputs = [answer["stdout"] for answer in answers]
    assert all(outputs) and len(set(outputs)) == len(outputs), answers


@pytest.mark.parametrize("language", TABLES)
def test_a_box_that_waited_is_like_a_new_one(warm_server, cold_server, language):
    assert is_warm(warm_server, language)
    time.sleep(2.5)
    case = next(case for case in TABLES[language]["case"] if case["name"] == "clocks start with the program")
    compare(warm_server, cold_server, language, case)


@pytest.mark.parametrize("language", TABLES)
def test_more_at_once_than_are_ready(warm_server, language):
    case = next(case for case in TABLES[language]["case"] if case["name"] == "hello")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: warm_server.run(program(language, case)), range(32)))
    assert {answer["stages"]["run"]["stdout"] for answer in answers} == {"Hello, world!\n"}
