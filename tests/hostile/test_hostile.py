"""Rows of hostile programs and inputs, one data file each (cases/*.toml), sent through the public API as an attacker would.

A case file:
    row = 5                       # of the list of hostile things; the file's name begins with it
    what = "one line"
    skip = "why"                  # where the row can't be shown here
    shown_by = "test_x.py"        # where another file beside this one shows it
    cgroup = true                 # it shows what the cgroup back-end does, so it is run in the v2 guest too (script/test)
    load = true                   # it fills the service's own queue: its latency is not judged meanwhile
    python = "name"               # a function of special.py instead of requests, for what JSON can't say
    [[run]]                       # any number, one after the other
    language, code, files, stdin, args, env, output_encoding: as in the API
    program = "005-bomb.c"        # code from a file beside the case
    with = ["probe.py"]           # more files from beside it, sent along
    limits, compile_limits = {}   # of the run and of the compile stage; TIGHT's where nothing is said
    http = 422                    # instead of 200
    status = ["memory_limit"]     # one of these it must be
    has, lacks = ["text"]         # what stdout must and must not hold ("HOLE" it never may: that is what attacks print
                                  # when they get through; what prints nothing else must say how it ends by `has`)
    message = "part of it"        # of the answer's message, or of a refusal's detail
    max_s = 5                     # from request to answer
"""
import pathlib
import platform
import time
import tomllib

import pytest

import special
from glimpse_server import SLOWNESS

CASES = pathlib.Path(__file__).resolve().parent / "cases"
TIGHT = {"wall_time_ms": 3000, "cpu_time_ms": 2000, "memory_bytes": 64 << 20, "processes": 64}
STATUSES = {"ok", "compile_error", "runtime_error", "signaled", "wall_time_limit", "cpu_time_limit", "memory_limit",
            "output_limit", "process_limit", "disk_limit", "cancelled", "internal_error"}
KEYS = {"row", "what", "skip", "shown_by", "load", "cgroup", "arch", "python", "run"}
RUN_KEYS = {"language", "code", "files", "stdin", "args", "env", "output_encoding", "program", "with", "limits",
            "compile_limits", "http", "status", "has", "lacks", "message", "max_s"}
SUFFIX_LANGUAGES = {".c": "c", ".py": "python", ".sh": "bash", ".java": "java", ".js": "javascript", ".cpp": "cpp"}
ROWS = 100
LATE_MS = 1500  # after the limit: init shares the CPUs with a fork bomb, and with whatever else this machine runs


def load(path):
    case = tomllib.loads(path.read_text())
    unknown = set(case) - KEYS | {key for run in case.get("run", []) for key in set(run) - RUN_KEYS}
    assert not unknown, f"{path.name}: {unknown}"
    assert path.name.startswith(f"{case['row']:03d}-"), path.name
    assert {"skip", "shown_by", "python", "run"} & set(case), f"{path.name} does nothing"
    assert "shown_by" not in case or (CASES.parent / case["shown_by"]).is_file(), path.name
    return case


ALL = {path.stem: load(path) for path in sorted(CASES.glob("*.toml"))}


def request_of(run):
    code = run.get("code")
    language = run.get("language")
    if "program" in run:
        program = CASES / run["program"]
        code = program.read_text()
        language = language or SUFFIX_LANGUAGES[program.suffix]
    limits = special.slowed({**TIGHT, **run.get("limits", {})}, met=run.get("status", []))
    request = {"language": language, "limits": {"run": limits}}
    if "compile_limits" in run:
        request["limits"]["compile"] = run["compile_limits"]
    for key in ("stdin", "args", "env", "output_encoding"):
        if key in run:
            request[key] = run[key]
    extra = [{"name": name, "content": (CASES / name).read_text()} for name in run.get("with", [])]
    if "files" in run:
        request["files"] = run["files"] + extra
    elif extra:
        request["files"] = [{"name": "main." + {"python": "py", "bash": "sh", "c": "c"}[language], "content": code}] + extra
    else:
        request["code"] = code
    return request


def check_result(answer, run):
    """A result that is whole, of a listed status, and without the words of success of an attack."""
    status = answer["status"]
    assert status in STATUSES, answer
    assert status in run["status"], f"{status} ({answer['message']}), not {run['status']}: {answer['stages']}"
    ran = [stage for stage in answer["stages"].values() if stage is not None]
    assert ran and ran[-1]["status"] == status
    for stage in ran:
        assert "HOLE" not in stage["stdout"] + stage["stderr"], stage
        assert stage["memory_bytes"] <= (1 << 30) + (1 << 20)
        assert (stage["exit_code"] is None) or (stage["signal"] is None)
    text = ran[-1]["stdout"]
    if status == "ok" or "ok" not in run["status"]:  # else it came to its limit on the way, as it may
        for part in run.get("has", []):
            assert part in text, ran[-1]
    for part in run.get("lacks", []):
        assert part not in text, ran[-1]
    limits = {**TIGHT, **run.get("limits", {})}
    if answer["stages"]["run"] is not None:
        # The box's init, and a batch of pages that the kernel had charged already.
        assert answer["stages"]["run"]["memory_bytes"] <= limits["memory_bytes"] + (1 << 20), answer
        assert answer["stages"]["run"]["wall_ms"] <= (limits["wall_time_ms"] + LATE_MS) * SLOWNESS, answer


def send(server, run):
    started = time.monotonic()
    reply = server.post("/v1/run", request_of(run))
    took = time.monotonic() - started
    answer = reply.json()
    assert reply.status_code == run.get("http", 200), answer
    if reply.status_code == 200:
        check_result(answer, run)
    assert run.get("message", "") in (answer.get("message") or answer.get("detail") or ""), answer
    assert took < run.get("max_s", 15) * SLOWNESS, f"the answer took {took:.1f} s"


def test_every_row_is_there():
    """A row is a case, or a case that says why it can't be shown: none is forgotten."""
    assert {case["row"] for case in ALL.values()} == set(range(1, ROWS + 1))


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.cgroup] if case.get("cgroup") else [])
                                  for name, case in ALL.items() if "shown_by" not in case])
def test_case(server, oracle, name):
    case = ALL[name]
    if "skip" in case:
        pytest.skip(case["skip"])
    if case.get("arch", platform.machine()) != platform.machine():
        pytest.skip(f"the attack is written for {case['arch']}")
    with oracle.guard(load=case.get("load", False)):
        if "python" in case:
            getattr(special, case["python"])(server)
        for run in case.get("run", []):
            send(server, run)
