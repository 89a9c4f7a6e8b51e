"""POST /v1/run: whatever is wrong is answered with the field and what would be right; then the server still works."""
import json

import pytest

OK = {"language": "python", "code": "print(1)"}


def nested(depth):
    return b'{"language":"python","code":' + b"[" * depth + b"]" * depth + b"}"


NOT_JSON = {
    "empty": b"",
    "not JSON": b"print(1)",
    "cut": b'{"language": "python", "code": "pri',
    "two documents": b'{"language":"python","code":""}{}',
    "array": b"[]",
    "string": b'"x"',
    "null": b"null",
    "trailing comma": b'{"language":"python","code":"",}',
    "a field twice": b'{"language":"python","code":"1","code":"2"}',
    "invalid UTF-8": b'{"language":"python","code":"\xff"}',
    "overlong UTF-8": b'{"language":"python","code":"\xc0\xaf"}',
    "lone surrogate": b'{"language":"python","code":"\\ud800"}',
    "control character": b'{"language":"python","code":"a\nb"}',
    "NUL in a name": b'{"language\\u0000":"python"}',
    "deep nesting": nested(3000),
    "very deep nesting": nested(1000000),
    "number too large": b'{"language":"python","code":"","limits":{"run":{"processes":99999999999999999999999}}}',
    "NaN": b'{"language":"python","code":NaN}',
    "UTF-16": json.dumps(OK).encode("utf-16"),
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_not_json(server, problem, name):
    problem(server.post("/v1/run", NOT_JSON[name]), 400)


def file(name, content="x"):
    return {**OK, "code": None, "files": [{"name": name, "content": content}]}


# name: (request, field, a word of the detail)
BAD_FIELDS = {
    "no language": ({"code": "x"}, "language", "missing"),
    "language null": ({**OK, "language": None}, "language", "missing"),
    "language is a number": ({**OK, "language": 3}, "language", "string"),
    "language empty": ({**OK, "language": ""}, "language", "empty"),
    "language with NUL": ({**OK, "language": "py\0"}, "language", "NUL"),
    "language unknown": ({**OK, "language": "cobol"}, "language", "python"),
    "language is a path": ({**OK, "language": "../python"}, "language", "python"),
    "version unknown": ({**OK, "version": "2"}, "version", "3."),
    "version is a number": ({**OK, "version": 3}, "version", "string"),
    "no code": ({"language": "python"}, "code", "missing"),
    "code is an object": ({**OK, "code": {}}, "code", "string"),
    "code and files": ({**OK, "files": [{"name": "a", "content": ""}]}, "files", "exclude"),
    "files is an object": ({"language": "python", "files": {}}, "files", "array"),
    "files is empty": ({"language": "python", "files": []}, "files", "1 to"),
    "too many files": ({"language": "python", "files": [{"name": f"f{i}", "content": ""} for i in range(257)]}, "files", "256"),
    "a file is a string": ({"language": "python", "files": ["x"]}, "files[0]", "object"),
    "a file has no name": ({"language": "python", "files": [{"content": "x"}]}, "files[0].name", "missing"),
    "a file has no content": ({"language": "python", "files": [{"name": "x"}]}, "files[0].content", "missing"),
    "content is a number": ({"language": "python", "files": [{"name": "x", "content": 1}]}, "files[0].content", "string"),
    "encoding unknown": ({"language": "python", "files": [{"name": "x", "content": "", "encoding": "hex"}]},
                         "files[0].encoding", "base64"),
    "content is not base64": ({"language": "python", "files": [{"name": "x", "content": "a", "encoding": "base64"}]},
                              "files[0].content", "base64"),
    "unknown field in a file": ({"language": "python", "files": [{"name": "x", "content": "", "mode": 7}]},
                                "files[0].mode", "content"),
    "the second file is at fault": ({"language": "python", "files": [{"name": "x", "content": ""}, {"name": "/", "content": ""}]},
                                    "files[1].name", "relative"),
    "absolute path": (file("/etc/passwd"), "files[0].name", "relative"),
    "parent folder": (file("../x"), "files[0].name", ".."),
    "parent folder inside": (file("a/../../x"), "files[0].name", ".."),
    "dot": (file("./x"), "files[0].name", "'.'"),
    "empty name": (file(""), "files[0].name", "empty"),
    "double slash": (file("a//b"), "files[0].name", "//"),
    "folder": (file("a/"), "files[0].name", "/"),
    "NUL in a path": (file("a\0b"), "files[0].name", "NUL"),
    "newline in a path": (file("a\nb"), "files[0].name", "control"),
    "option as a path": (file("-rf"), "files[0].name", "-"),
    "reserved name": (file(".glimpse/x"), "files[0].name", "reserved"),
    "long name": (file("x" * 256), "files[0].name", "255"),
    "deep path": (file("/".join("x" * 17)), "files[0].name", "16"),
    "one name twice": ({"language": "python", "files": [{"name": "x", "content": ""}] * 2}, "files[1].name", "two files"),
    "file and folder": ({"language": "python", "files": [{"name": "x", "content": ""}, {"name": "x/y", "content": ""}]},
                        "files[1].name", "folder"),
    "stdin is a number": ({**OK, "stdin": 1}, "stdin", "string"),
    "stdin without content": ({**OK, "stdin": {}}, "stdin.content", "missing"),
    "stdin with an unknown field": ({**OK, "stdin": {"content": "", "x": 1}}, "stdin.x", "content"),
    "args is a string": ({**OK, "args": "x"}, "args", "array"),
    "an argument is a number": ({**OK, "args": ["a", 1]}, "args[1]", "string"),
    "an argument has a NUL": ({**OK, "args": ["a\0"]}, "args[0]", "NUL"),
    "too many arguments": ({**OK, "args": ["x"] * 257}, "args", "256"),
    "an argument is too long": ({**OK, "args": ["x" * 65537]}, "args[0]", "65536"),
    "arguments too long together": ({**OK, "args": ["x" * 65000] * 9}, "args[8]", "together"),
    "env is an array": ({**OK, "env": []}, "env", "object"),
    "a variable is a number": ({**OK, "env": {"A": 1}}, "env.A", "string"),
    "a variable has '='": ({**OK, "env": {"A=B": "x"}}, "env.A=B", "="),
    "a variable has no name": ({**OK, "env": {"": "x"}}, "env.", "empty"),
    "a variable has a NUL": ({**OK, "env": {"A": "\0"}}, "env.A", "NUL"),
    "too many variables": ({**OK, "env": {f"A{i}": "" for i in range(129)}}, None, "128"),
    "limits is an array": ({**OK, "limits": []}, "limits", "object"),
    "flat limits": ({**OK, "limits": {"wall_time_ms": 5}}, "limits.wall_time_ms", "\"run\""),
    "unknown stage": ({**OK, "limits": {"link": {}}}, "limits.link", "compile, run"),
    "unknown limit": ({**OK, "limits": {"run": {"time": 5}}}, "limits.run.time", "wall_time_ms"),
    "a limit is a string": ({**OK, "limits": {"run": {"wall_time_ms": "5"}}}, "limits.run.wall_time_ms", "whole number"),
    "a limit is a fraction": ({**OK, "limits": {"run": {"wall_time_ms": 50.5}}}, "limits.run.wall_time_ms", "whole number"),
    "a limit is negative": ({**OK, "limits": {"run": {"processes": -1}}}, "limits.run.processes", "at least"),
    "a limit is zero": ({**OK, "limits": {"compile": {"memory_bytes": 0}}}, "limits.compile.memory_bytes", "at least"),
    "a limit is below the least": ({**OK, "limits": {"run": {"wall_time_ms": 9}}}, "limits.run.wall_time_ms", "10 ms"),
    "output_encoding unknown": ({**OK, "output_encoding": "hex"}, "output_encoding", "base64"),
    "unknown field": ({**OK, "langauge": "x"}, "langauge", "language, version, code, files"),
}


@pytest.mark.parametrize("name", BAD_FIELDS)
def test_bad_field(server, problem, name):
    request, field, word = BAD_FIELDS[name]
    answer = server.post("/v1/run", request)
    if field is None:
        field = answer.json().get("field")
    assert word in problem(answer, 422, field)


def test_a_hostile_field_name_is_repeated_safely(server, problem):
    answer = server.post("/v1/run", {**OK, "\"}\n<script>" + "x" * 10000: 1})
    assert answer.status_code == 422
    assert answer.json()["field"].startswith("\"}\n<script>")
    assert len(answer.content) < 2000


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_content_type_must_be_json(server, problem, content_type):
    assert "application/json" in problem(server.post("/v1/run", b"{}", headers={"Content-Type": content_type}), 415)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON"])
def test_content_type_may_have_parameters(server, content_type):
    assert server.post("/v1/run", json.dumps(OK).encode(), headers={"Content-Type": content_type}).status_code == 200


def test_content_type_may_be_missing(server, raw):
    body = json.dumps(OK).encode()
    client = raw().send(b"POST /v1/run HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert client.answer().status == 200


def test_it_still_works(server):
    assert server.run(OK)["stages"]["run"]["stdout"] == "1\n"
