"""/v1/run as a stream: events as they happen, for real clients, at the reader's pace."""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

import pytest
import requests

import glimpse_server
from contract import Contract

SSE, NDJSON = "text/event-stream", "application/x-ndjson"
BOTH = pytest.mark.parametrize("accept", [SSE, NDJSON])
NODE = next(iter(sorted(pathlib.Path("/opt/glimpse/toolchains").glob("node/*/bin/node"))), "node")
MIB = 1 << 20


def events_in(lines, accept):
    """From the lines of a body, as they come: dicts. Comments of SSE are {"type": "comment"}."""
    name = data = None
    for line in lines:
        line = line.decode()
        if accept == NDJSON:
            yield json.loads(line)
        elif line.startswith(":"):
            yield {"type": "comment"}
        elif line.startswith("event: "):
            name = line.removeprefix("event: ").rstrip("\n")
        elif line.startswith("data: "):
            assert data is None
            data = json.loads(line.removeprefix("data: "))
        elif line.strip() == "" and data is not None:
            assert data["type"] == name
            yield data
            name = data = None


class Reader:
    """The events of an answer, by Python's http.client, which gives lines as soon as they are there."""

    def __init__(self, server, method, path, body=None, headers=None, accept=NDJSON, timeout=60):
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=timeout)
        self.connection.request(method, path, body, {"Accept": accept, **(headers or {})})
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()
        assert self.answer.headers["Content-Type"] == accept
        self.events = (event for event in events_in(self.lines(), accept) if event["type"] != "comment")

    def lines(self):
        return self.answer

    def rest(self):
        return list(self.events)

    def close(self):
        self.answer.close()
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


class Stream(Reader):
    """POST /v1/run."""

    def __init__(self, server, request, accept=NDJSON, timeout=60):
        super().__init__(server, "POST", "/v1/run", json.dumps(request), {"Content-Type": "application/json"}, accept, timeout)


def stream(server, request, accept=NDJSON):
    """All events, which are as docs/openapi.yaml says."""
    with Stream(server, request, accept) as open_stream:
        events = open_stream.rest()
    contract = Contract()
    for event in events:
        contract.validate({"$ref": "#/components/schemas/Event"}, event, "event")
    return events


def told(events, stage, name):
    return "".join(event["data"] for event in events if event["type"] == name and event["stage"] == stage)


def without_costs(result):
    result = json.loads(json.dumps(result))
    for name in ("id", "type"):
        result.pop(name, None)
    for stage in filter(None, result["stages"].values()):
        for name in ("wall_ms", "cpu_ms", "memory_bytes", "cached"):
            stage.pop(name, None)
    return result


def python(code, **more):
    return {"language": "python", "code": code, **more}


# --- What is told -----------------------------------------------------------------------------------------------------

REQUESTS = [
    python("print('hello')"),
    python("import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(3)"),
    python(""),
    python("import os\nos.write(1, b'\\xff\\xfe a\\xe2\\x82')"),
    python("print('\\x00\\x01\\u2028\\x7f\\r\\n' * 1000)"),
    python("print('é' * 300000)", limits={"run": {"output_bytes": 100001}}),
    python("import time\nprint('so far', flush=True)\ntime.sleep(60)", limits={"run": {"wall_time_ms": 300}}),
    {"language": "c", "code": "#warning well\nint main(void) { return 7; }"},
    {"language": "c", "code": "int main(void) { return a; }"},
    {"language": "cpp", "code": "#include <iostream>\nint main() { std::cout << \"hi\"; }", "cache": False},
]


@BOTH
@pytest.mark.parametrize("request_", REQUESTS)
def test_a_stream_tells_what_the_answer_says(server, request_, accept):
    answer = server.run(request_)
    events = stream(server, request_, accept)
    result = events[-1]
    assert [event["type"] for event in events].count("result") == 1
    assert without_costs(result) == without_costs(answer)
    ran = [stage for stage in ("compile", "run") if answer["stages"][stage]]
    assert [event["stage"] for event in events if event["type"] == "stage"] == ran
    for stage in ran:
        for name in ("stdout", "stderr"):
            assert told(events, stage, name) == answer["stages"][stage][name]
    stages = [event["stage"] for event in events[:-1]]
    assert stages == sorted(stages), "compile comes first"


def test_a_cached_compile_is_told_of_again(server):
    request = {"language": "c", "code": "#warning told twice\nint main(void) { return 0; } /* %d */" % time.time_ns()}
    first, second = stream(server, request), stream(server, request)
    assert not first[-1]["stages"]["compile"]["cached"]
    assert second[-1]["stages"]["compile"]["cached"]
    assert "told twice" in told(second, "compile", "stderr")
    assert [event["type"] for event in first[:-1]] == [event["type"] for event in second[:-1]] == ["stage", "stderr", "stage"]


def test_base64(server):
    events = stream(server, python("import os\nfor i in range(40):\n  os.write(1, bytes([200 + i]) * 7)", output_encoding="base64"))
    got = b"".join(base64.b64decode(event["data"], validate=True) for event in events if event["type"] == "stdout")
    assert got == b"".join(bytes([200 + i]) * 7 for i in range(40)) == base64.b64decode(events[-1]["stages"]["run"]["stdout"])


@BOTH
def test_it_comes_as_the_program_flushes(server, accept):
    """The program ends only because its reader leaves: what it wrote before is there."""
    with Stream(server, python("import time\nfor i in range(3):\n  print(i, flush=True)\ntime.sleep(50)\n",
                               limits={"run": {"wall_time_ms": 60000}}), accept, timeout=30) as open_stream:
        seen = ""
        assert next(open_stream.events) == {"type": "stage", "stage": "run"}
        while seen != "0\n1\n2\n":
            seen += next(open_stream.events)["data"]


def test_characters_are_not_cut(server):
    """Each byte is written, and read, by itself."""
    text = "aé€😀" * 5
    code = f"import os, time\nfor byte in {text.encode()!r}:\n  os.write(1, bytes([byte]))\n  time.sleep(0.005)"
    events = [event for event in stream(server, python(code)) if event["type"] == "stdout"]
    assert len(events) > 4
    assert all(set(event["data"]) <= set(text) for event in events)
    assert "".join(event["data"] for event in events) == text


def test_half_a_character_at_the_end(server):
    events = stream(server, python("import os\nos.write(1, b'a\\xf0\\x9f')"))
    assert told(events, "run", "stdout") == "a\ufffd" == events[-1]["stages"]["run"]["stdout"]


# --- Who asks, and how ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("accept,kind", [
    (None, "application/json"), ("*/*", "application/json"), ("application/json", "application/json"), ("", "application/json"),
    ("application/*", "application/json"), (SSE, SSE), (NDJSON, NDJSON), ("text/*", SSE), (f"{SSE}, */*", SSE),
    (f"application/json;q=0.5, {NDJSON};q=0.9", NDJSON), (f"{SSE};q=0, {NDJSON}, text/html", NDJSON),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
])
def test_accept_decides(server, accept, kind):
    with requests.Session() as session:
        answer = session.post(server.url + "/v1/run", json=python("print(1)"), headers={"Accept": accept}, timeout=60)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == kind


def test_several_accept_headers_are_one(server, raw):
    body = json.dumps(python("print(1)")).encode()
    client = raw().send(b"POST /v1/run HTTP/1.1\r\nHost: x\r\nAccept: application/json;q=0.1\r\nAccept: application/x-ndjson\r\n"
                        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert client.answer().headers["content-type"] == NDJSON


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*", "application/jsonl"])
def test_what_there_is_not_is_406(server, problem, accept):
    answer = server.post("/v1/run", python("print(1)"), headers={"Accept": accept})
    assert NDJSON in problem(answer, 406)


@BOTH
def test_what_is_wrong_with_a_request_is_no_stream(server, problem, accept):
    headers = {"Accept": accept}
    problem(server.post("/v1/run", {"code": ""}, headers=headers), 422, "language")
    problem(server.post("/v1/run", {"language": "cobol", "code": ""}, headers=headers), 422, "language")
    problem(server.post("/v1/run", b"{", headers={**headers, "Content-Type": "application/json"}), 400)
    problem(server.post("/v1/run", b"{}", headers={**headers, "Content-Type": "text/plain"}), 415)


def test_a_client_of_http_1_0(server, raw):
    body = json.dumps(python("print(1)")).encode()
    client = raw().send(b"POST /v1/run HTTP/1.0\r\nAccept: application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    while client._more():  # up to the end of the connection
        pass
    head, _, rest = client.buffer.partition(b"\r\n\r\n")
    assert b"chunked" not in head.lower()
    assert [json.loads(line)["type"] for line in rest.splitlines()] == ["stage", "stdout", "result"]


def test_a_connection_serves_on(server):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    for accept in (NDJSON, SSE, "*/*", NDJSON):
        connection.request("POST", "/v1/run", json.dumps(python("print(1)")), {"Accept": accept})
        sock = connection.sock
        assert b'"stdout":"1\\n"' in connection.getresponse().read()
        assert connection.sock is sock
    connection.close()


def test_curl(server):
    command = ["curl", "-sN", server.url + "/v1/run", "-H", "Content-Type: application/json", "-H", f"Accept: {SSE}", "-d",
               json.dumps(python("import time\nprint('first', flush=True)\ntime.sleep(50)", limits={"run": {"wall_time_ms": 60000}}))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as curl:
        lines = [curl.stdout.readline().decode() for _ in range(5)]
        curl.terminate()
    assert lines == ["event: stage\n", 'data: {"type":"stage","stage":"run"}\n', "\n",
                     "event: stdout\n", 'data: {"type":"stdout","stage":"run","data":"first\\n"}\n']


def test_fetch_of_node(server):
    """The loop of docs/api.md."""
    code = re.search(r"^```js\n(.*?)^```", (glimpse_server.ROOT / "docs" / "api.md").read_text(), re.S | re.M).group(1)
    result = subprocess.run([NODE, "--input-type=module", "-e", code], env={**os.environ, "URL": server.url}, timeout=60,
                            stdout=subprocess.PIPE, check=True)
    assert result.stdout.decode() == "0\n1\n2\nok\n"


def test_lines_of_requests(server):
    with requests.post(server.url + "/v1/run", json=python("for i in range(3): print(i, flush=True)"), headers={"Accept": NDJSON},
                       stream=True, timeout=60) as answer:
        events = [json.loads(line) for line in answer.iter_lines()]
    assert told(events, "run", "stdout") == "0\n1\n2\n"


def test_a_quiet_stream_is_kept_alive(server):
    """Only that of SSE: lines of NDJSON are all JSON."""
    request = python("import time\ntime.sleep(17)", limits={"run": {"wall_time_ms": 60000}})
    seen = {}

    def read(accept):
        with Stream(server, request, accept) as open_stream:
            seen[accept] = open_stream.answer.read()

    threads = [threading.Thread(target=read, args=(accept,)) for accept in (SSE, NDJSON)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert b"\n\n: keep-alive\n\nevent: result\n" in seen[SSE]
    assert [json.loads(line)["type"] for line in seen[NDJSON].splitlines()] == ["stage", "result"]


# --- Back-pressure ----------------------------------------------------------------------------------------------------

# Writes 12 MiB, and says at the end how long the longest write took, and how much had been written before it.
WRITER = """
import json, os, sys, time
longest = before = written = 0
piece = b"%s" * 4096
while written < 12 << 20:
    started = time.monotonic()
    n = os.write(1, piece)
    took = time.monotonic() - started
    if took > longest:
        longest, before = took, written
    written += n
print(json.dumps({"longest": longest, "before": before}), file=sys.stderr)
"""


def writer(**limits):
    return python(WRITER % "0123456789abcde ", limits={"run": {"output_bytes": 16 * MIB, "wall_time_ms": 60000, **limits}})


def memory_of(pid):
    return int(re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) << 10


@BOTH
def test_a_slow_reader_slows_the_program(server, accept):
    pause = 3
    with Stream(server, writer(), accept) as open_stream:
        assert next(open_stream.events)["type"] == "stage"
        time.sleep(pause)
        events = open_stream.rest()
    run = events[-1]["stages"]["run"]
    assert events[-1]["status"] == "ok"
    assert len(told(events, "run", "stdout")) == 12 * MIB
    blocked = json.loads(run["stderr"])
    assert blocked["before"] < 4 * MIB, "it got far before it was stopped"
    assert blocked["longest"] > pause / 2, "it was not stopped"
    assert run["wall_ms"] > 1000 * pause / 2 > run["cpu_ms"], "its wall clock goes on, and it waits for nothing"


def test_the_clock_ends_who_waits_for_a_reader(server):
    with Stream(server, writer(wall_time_ms=1500)) as open_stream:
        assert next(open_stream.events)["type"] == "stage"
        time.sleep(4)
        events = open_stream.rest()
    assert events[-1]["status"] == "wall_time_limit"
    assert told(events, "run", "stdout") == events[-1]["stages"]["run"]["stdout"]
    assert 0 < len(told(events, "run", "stdout")) < 4 * MIB


def test_memory_stays_flat_with_slow_readers(server):
    """Each would write 12 MiB; what is not read is not held."""
    pid = server.pid_of("glimpsed")
    server.run(python("print(1)"))
    before = memory_of(pid)
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(Stream(server, writer())) for _ in range(4)]
        for open_stream in streams:
            assert next(open_stream.events)["type"] == "stage"
        time.sleep(2)
        while_waiting = memory_of(pid)
        for open_stream in streams:
            assert len(told(open_stream.rest(), "run", "stdout")) == 12 * MIB
    assert while_waiting - before < 4 * 3 * MIB


def test_who_is_blocked_sees_the_reader_leave(server):
    for _ in range(4):
        open_stream = Stream(server, writer())
        assert next(open_stream.events)["type"] == "stage"
        time.sleep(0.5)
        open_stream.close()
    deadline = time.monotonic() + 20
    while list(pipes_of(server)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not list(pipes_of(server)), "runs go on for nobody"


def pipes_of(server):
    """The ends of programs' pipes that glimpsed holds, one or two for each run."""
    for fd in pathlib.Path(f"/proc/{server.pid_of('glimpsed')}/fd").iterdir():
        with contextlib.suppress(OSError):
            if os.readlink(fd).startswith("pipe:") and fd.stat().st_mode & 0o777 in (0o622, 0o644):
                yield fd


def test_many_hang_up_at_any_time(server):
    request = json.dumps(python("import time\nfor i in range(1000):\n  print('x' * 1000, flush=True)\n  time.sleep(0.001)"))
    head = f"POST /v1/run HTTP/1.1\r\nHost: x\r\nAccept: {SSE}\r\nContent-Length: {len(request)}\r\n\r\n"
    for i in range(60):
        with socket.create_connection((server.host, server.port), timeout=30) as sock:
            sock.sendall((head + request).encode())
            if i % 3:
                sock.recv(1000 * (i % 7) + 1)
            time.sleep(0.003 * (i % 11))
    assert stream(server, python("print(1)"))[-1]["status"] == "ok"
    deadline = time.monotonic() + 20
    while list(pipes_of(server)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not list(pipes_of(server)), "runs go on for nobody"


# --- Accidents --------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def small_server():
    with glimpse_server.Server({"max_running": 1, "max_queued": 1}) as own:
        yield own


def test_who_waits_for_a_place_has_a_stream_already(small_server):
    long = python("import time\nprint('go', flush=True)\ntime.sleep(50)", limits={"run": {"wall_time_ms": 60000}})
    with Stream(small_server, long) as first:
        assert next(first.events)["type"] == "stage"
        with Stream(small_server, python("print(2)")) as second:  # has its headers, and no place
            answer = small_server.post("/v1/run", python("print(3)"), headers={"Accept": SSE})
            assert answer.status_code == 503
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert "Retry-After" in answer.headers
            first.close()
            assert [event["type"] for event in second.rest()] == ["stage", "stdout", "result"]


@BOTH
def test_our_own_failure_is_a_result(small_server, accept):
    request = python("import time\nprint('so far', flush=True)\ntime.sleep(50)", limits={"run": {"wall_time_ms": 60000}})
    with Stream(small_server, request, accept) as open_stream:
        assert next(open_stream.events)["type"] == "stage"
        assert next(open_stream.events)["data"] == "so far\n"
        os.kill(small_server.pid_of("glimpse-boxd"), signal.SIGKILL)
        result = open_stream.rest()[-1]
    assert (result["type"], result["status"]) == ("result", "internal_error")
    assert result["message"]
    assert result["stages"]["run"]["stdout"] == "so far\n"


def test_a_server_that_stops_lets_streams_end():
    own = glimpse_server.Server().start()
    with Stream(own, python("import time\nprint('a', flush=True)\ntime.sleep(2)\nprint('b')")) as open_stream:
        assert next(open_stream.events)["type"] == "stage"
        os.kill(own.pid, signal.SIGTERM)
        events = open_stream.rest()
    assert events[-1]["status"] == "ok"
    assert told(events, "run", "stdout") == "a\nb\n"
    assert own.stop() == 0


def test_a_server_that_does_not_wait_says_so():
    """A second signal cancels; to clients that is a result."""
    with glimpse_server.Server() as own:
        request = python("import time\nprint('so far', flush=True)\ntime.sleep(50)", limits={"run": {"wall_time_ms": 60000}})
        answers = []
        thread = threading.Thread(target=lambda: answers.append(own.post("/v1/run", request)))
        thread.start()
        with Stream(own, request) as open_stream:
            assert next(open_stream.events)["type"] == "stage"
            assert next(open_stream.events)["data"] == "so far\n"
            while own.get("/metrics").text.find("glimpse_running 2") < 0:
                time.sleep(0.05)
            glimpsed = own.pid_of("glimpsed")
            os.kill(glimpsed, signal.SIGTERM)
            while "stopping on signal" not in own.log_text():
                time.sleep(0.05)
            os.kill(glimpsed, signal.SIGTERM)
            result = open_stream.rest()[-1]
        thread.join()
    assert (result["type"], result["status"]) == ("result", "cancelled")
    assert result["stages"]["run"]["stdout"] == "so far\n"
    assert (answers[0].status_code, answers[0].json()["status"]) == (503, "cancelled")
