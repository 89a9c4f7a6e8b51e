"""docs/api.md is true: each `sh` block is run, and its output is what the block after it says."""
import json
import re
import subprocess

import pytest

import glimpse_server

DOCUMENT = glimpse_server.ROOT / "docs" / "api.md"
EXAMPLES = re.findall(r"^```sh\n(.*?)^```\n+```(json|ndjson|sse)\n(.*?)^```", DOCUMENT.read_text(), re.S | re.M)
# What is another each time: only its type must be right.
VARYING = {"id", "version", "wall_ms", "cpu_ms", "memory_bytes", "cached", "executionTime", "time", "memory", "submission_id", "info",
           "created_at", "started_at", "finished_at", "page", "deletion_token", "expires_at"}


def without_varying(value, key=None):
    if key in VARYING:
        return type(value).__name__
    if isinstance(value, dict):
        return {name: without_varying(child, name) for name, child in value.items()}
    if isinstance(value, list):
        return [without_varying(child) for child in value]
    return value


def parse(kind, text):
    """What a block says, part by part."""
    if kind == "json":
        return [json.loads(text)]
    if kind == "ndjson":
        return [json.loads(line) for line in text.splitlines()]
    return [json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else line for line in text.splitlines()]


def test_no_example_is_forgotten():
    assert len(EXAMPLES) == DOCUMENT.read_text().count("```sh\n") >= 15


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_example(server, number):
    command, kind, expected = EXAMPLES[number]
    # jq is for readers; here python does what the one example with it asks for.
    command, _, jq = command.partition(" | jq ")
    result = subprocess.run(["bash", "-c", command], env={"URL": server.url, "PATH": "/usr/bin:/bin"}, timeout=60,
                            stdout=subprocess.PIPE, check=True)
    got, expected = parse(kind, result.stdout.decode()), parse(kind, expected)
    if jq:
        got = [{name: one[name] for one in got[0]["languages"] if one["id"] == expected[0]["id"] for name in expected[0]}]
    assert [list(part) for part in got] == [list(part) for part in expected], "other fields, or another order"
    assert without_varying(got) == without_varying(expected)


def test_the_interactive_example(server):
    program, expected = re.search(r"^```python\n(.*?)^```\n+```text\n(.*?)^```", DOCUMENT.read_text(), re.S | re.M).groups()
    done = subprocess.run(["/usr/bin/python3", "-c", program], env={"URL": server.url}, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.replace("\r\n", "\n") == expected


def test_every_route_is_documented():
    routes = (glimpse_server.ROOT / "src" / "api" / "routes.c").read_text()
    text = DOCUMENT.read_text()
    for method, path in re.findall(r'\{"(GET|POST|DELETE)",\s+"([^"]+)"', routes):
        assert f"{method} {path}" in text, (method, path)
