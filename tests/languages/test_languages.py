"""Every language, by POST /v1/run: the cases of <language>.toml beside this file, and one larger program in all of them.

A case holds a request (code or files, stdin, args, env, limits) and what must come back. What it does not say must be as
in a good run: status ok, exit code 0, nothing on stderr. With `..._has` each of the texts must be somewhere in it.
"""
import pathlib
import tomllib

import pytest

HERE = pathlib.Path(__file__).parent
TABLES = {path.stem: tomllib.loads(path.read_text()) for path in sorted(HERE.glob("*.toml"))}
CASES = [(language, case) for language, table in TABLES.items() for case in table["case"]]
# What no language may do without; "compile error" where there is a compiler.
EVERYWHERE = {"stdin", "several files", "runtime error", "args", "env", "exit status", "unicode", "data file", "memory limit"}
KEYS = {"name", "code", "files", "stdin", "args", "env", "limits", "compile_limits", "status", "exit_code", "signal", "stdout",
        "stderr", "stderr_has", "compile_exit_code", "compile_stderr_has"}
TYPICAL = HERE / "typical"


@pytest.fixture(scope="module")
def languages(server):
    return {language["id"]: language for language in server.get("/v1/languages").json()["languages"]}


def request_of(language, case):
    request = {"language": language, "limits": {"run": dict(case.get("limits", {}))}}
    for key in ("code", "stdin", "args", "env"):
        if key in case:
            request[key] = case[key]
    if "files" in case:
        request["files"] = [{"name": name, "content": content} for name, content in case["files"].items()]
    if "compile_limits" in case:
        request["limits"]["compile"] = case["compile_limits"]
    return request


def has_all(text, parts):
    for part in parts:
        assert part in text, f"{part!r} is not in {text!r}"


def check_compile(case, result, stopped):
    compiled = result["stages"]["compile"]
    if compiled is not None:
        assert compiled["status"] == (case["status"] if stopped else "ok"), compiled
        assert compiled["stdout"] == ""
        has_all(compiled["stderr"], case.get("compile_stderr_has", []))
        if "compile_exit_code" in case:
            assert compiled["exit_code"] == case["compile_exit_code"]
        if not stopped and "compile_stderr_has" not in case:
            assert compiled["stderr"] == ""


def check_run(case, result):
    ran = result["stages"]["run"]
    status = case.get("status", "ok")
    assert ran["status"] == status
    if status == "ok":
        assert ran["exit_code"] == 0
    if "exit_code" in case:
        assert ran["exit_code"] == case["exit_code"]
    if "signal" in case:
        assert ran["signal"] == case["signal"]
    if "stdout" in case:
        assert ran["stdout"] == case["stdout"]
    if "stderr" in case or (status == "ok" and "stderr_has" not in case):
        assert ran["stderr"] == case.get("stderr", "")
    has_all(ran["stderr"], case.get("stderr_has", []))


@pytest.mark.parametrize(("language", "case"), CASES, ids=[f"{language}: {case['name']}" for language, case in CASES])
def test_case(server, language, case):
    assert set(case) <= KEYS, f"a misspelt key: {set(case) - KEYS}"
    result = server.run(request_of(language, case))
    stopped = case.get("status") == "compile_error" or "compile_limits" in case
    assert result["status"] == case.get("status", "ok"), result
    check_compile(case, result, stopped)
    if stopped:
        assert result["stages"]["run"] is None
    else:
        check_run(case, result)


@pytest.mark.parametrize("language", TABLES)
def test_typical(server, language):
    """The same 60 lines of work, and the same output, in each language; and its figures make sense."""
    code = (TYPICAL / TABLES[language]["typical"]).read_text()
    result = server.run({"language": language, "code": code, "stdin": (TYPICAL / "typical.in").read_text()})
    assert result["status"] == "ok", result
    ran = result["stages"]["run"]
    assert ran["stdout"] == (TYPICAL / "typical.out").read_text()
    assert ran["stderr"] == ""
    assert 0 < ran["cpu_ms"] < 5000 and 0 < ran["wall_ms"] < 10000
    assert 100_000 < ran["memory_bytes"] < 200 << 20


@pytest.mark.parametrize("language", TABLES)
def test_hello(server, languages, language):
    listed = languages[language]
    assert listed["available"], listed["unavailable"]
    result = server.run({"language": language, "version": listed["version"], "code": listed["hello"]["content"]})
    assert result["status"] == "ok", result
    assert result["stages"]["run"]["stdout"] == "Hello, world!\n"
    assert result["version"] == listed["version"]


@pytest.mark.parametrize("language", TABLES)
def test_has_the_usual_cases(languages, language):
    names = {case["name"].split(":")[0] for case in TABLES[language]["case"]}
    assert EVERYWHERE <= names, f"missing: {EVERYWHERE - names}"
    assert "compile" not in languages[language]["stages"] or "compile error" in names


def test_all_languages_have_cases(languages):
    assert set(languages) == set(TABLES)
