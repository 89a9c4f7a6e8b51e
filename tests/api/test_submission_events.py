"""GET /v1/submissions/{id}/events: a submission as it goes on, for any number of readers, each at its own pace."""
import base64
import contextlib
import http.client
import json
import pathlib
import subprocess
import time

import pytest
import requests

from contract import Contract
from glimpse_server import Server
from test_keys import make
from test_stream import BOTH, MIB, NDJSON, SSE, Reader, memory_of, told
from test_submissions import HELLO, SLEEP, delete, look, submit, wait_for

NOBODY = "01a1ffeb-d687-7302-96ea-e503fa6ef02a"


def path_of(submission, query=""):
    return f"/v1/submissions/{submission['id']}/events{query}"


class Follower(Reader):
    def __init__(self, server, submission, accept=NDJSON, query="", last_id=None):
        self.ids = []
        super().__init__(server, "GET", path_of(submission, query), headers={"Last-Event-ID": last_id} if last_id else {}, accept=accept)

    def lines(self):
        for line in self.answer:
            if line.startswith(b"id: "):
                self.ids.append(line.decode()[4:].strip())
            else:
                yield line

    def until(self, text):
        """What has come of the run's stdout when it ends like that."""
        seen = ""
        while not seen.endswith(text):
            event = next(self.events)
            assert event["type"] != "result", (seen, event)
            seen += event["data"] if event["type"] == "stdout" and event["stage"] == "run" else ""
        return seen

    def rest(self):
        contract = Contract()
        events = super().rest()
        for event in events:
            contract.validate({"$ref": "#/components/schemas/SubmissionEvent"}, event, "event")
        return events


def follow(server, submission, *arguments, **more):
    with Follower(server, submission, *arguments, **more) as follower:
        return follower.rest()


def python(code, **more):
    return {"language": "python", "code": code, **more}


# Says a line each so often, and one at its end.
STEPS = "import time\nfor i in range(%d):\n  print('line', i, flush=True)\n  time.sleep(%s)\nprint('done')"


def is_result(event, submission):
    return event == {"type": "result", **submission}


# --- What is told ---

@BOTH
def test_live_then_the_result(server, accept):
    submission = submit(server, python(STEPS % (4, 0.5)))
    with Follower(server, submission, accept) as follower:
        assert next(follower.events) == {"type": "stage", "stage": "run"}
        assert follower.until("line 0\n") == "line 0\n"
        assert look(server, submission, "?fields=status") == {"status": "running"}, "it came while the program ran"
        events = follower.rest()
    done = look(server, submission)
    assert is_result(events[-1], done) and done["status"] == "ok"
    assert [event["type"] for event in events].count("result") == 1
    assert "line 0\n" + told(events, "run", "stdout") == done["stages"]["run"]["stdout"]


@BOTH
def test_who_comes_late_has_it_from_the_beginning(server, accept):
    submission = submit(server, python(STEPS % (2, 1)))
    with Follower(server, submission, accept) as early:
        early.until("line 1\n")
        events = follow(server, submission, accept)
        early_events = early.rest()
    assert events[0] == {"type": "stage", "stage": "run"}
    assert told(events, "run", "stdout") == events[-1]["stages"]["run"]["stdout"] == "line 0\nline 1\ndone\n"
    assert early_events[-1] == events[-1]


def test_both_stages_and_both_streams(server):
    submission = submit(server, {"language": "c", "cache": False, "code": "#warning well\n#include <stdio.h>\n#include <unistd.h>\nint main(void)\n"
                                 "{ puts(\"out\"); fputs(\"err\", stderr); fflush(stdout); sleep(1); return 3; }"})
    events = follow(server, submission)
    assert [event["stage"] for event in events if event["type"] == "stage"] == ["compile", "run"]
    for stage in ("compile", "run"):
        for name in ("stdout", "stderr"):
            assert told(events, stage, name) == events[-1]["stages"][stage][name]
    assert "well" in told(events, "compile", "stderr")
    stages = [event["stage"] for event in events[:-1]]
    assert stages == sorted(stages), "compile comes first"


def test_a_cached_compile_is_told_of_again(server):
    request = {"language": "c", "code": "#warning twice\n#include <unistd.h>\nint main(void) { sleep(1); return 0; } /* %d */" % time.time_ns()}
    first, second = follow(server, submit(server, request)), follow(server, submit(server, request))
    assert second[-1]["stages"]["compile"]["cached"] and not first[-1]["stages"]["compile"]["cached"]
    assert [event["type"] for event in first[:-1]] == [event["type"] for event in second[:-1]] == ["stage", "stderr", "stage"]


def test_characters_are_not_cut(server):
    """Each byte is written by itself; half a character at the end is told as what it is."""
    text = "aé€😀" * 5
    code = f"import os, time\nfor byte in {text.encode()!r} + b'\\xf0\\x9f':\n  os.write(1, bytes([byte]))\n  time.sleep(0.02)"
    events = [event for event in follow(server, submit(server, python(code))) if event["type"] == "stdout"]
    assert len(events) > 4
    assert all(set(event["data"]) <= set(text) for event in events[:-1])
    assert "".join(event["data"] for event in events) == text + "\ufffd"


def test_base64(server):
    request = python("import os, time\nfor i in range(40):\n  os.write(1, bytes([200 + i]) * 7)\n  time.sleep(0.02)", output_encoding="base64")
    events = follow(server, submit(server, request))
    got = b"".join(base64.b64decode(event["data"], validate=True) for event in events if event["type"] == "stdout")
    assert got == b"".join(bytes([200 + i]) * 7 for i in range(40)) == base64.b64decode(events[-1]["stages"]["run"]["stdout"])


@BOTH
def test_one_that_has_ended(server, accept):
    done = submit(server, HELLO, "?wait=30")
    events = follow(server, done, accept)
    assert len(events) == 1 and is_result(events[0], done)


def test_it_is_as_the_contract_says(server):
    """requests holds the whole answer against docs/openapi.yaml."""
    for request in (HELLO, python(STEPS % (2, 0.3))):
        for accept in (SSE, NDJSON):
            answer = server.get(path_of(submit(server, request)), headers={"Accept": accept})
            assert answer.status_code == 200 and '"type":"result"' in answer.text


def test_fields_of_the_result(server):
    done = submit(server, HELLO, "?wait=30")
    assert follow(server, done, query="?fields=id,status") == [{"type": "result", "id": done["id"], "status": "ok"}]


def test_one_that_waits(server):
    """The stream begins, and is quiet, until there is a place."""
    with Server(config={"max_running": 1}) as narrow:
        first = submit(narrow, SLEEP)
        wait_for(narrow, first, "running")
        second = submit(narrow, HELLO)
        with Follower(narrow, second, SSE) as follower:
            assert look(narrow, second, "?fields=status") == {"status": "queued"}
            delete(narrow, first)
            events = follower.rest()
        assert [event["type"] for event in events] == ["stage", "stdout", "result"]


# --- Who comes, and goes ---

def test_several_readers(server):
    submission = submit(server, python(STEPS % (3, 0.4)))
    with contextlib.ExitStack() as stack:
        followers = [stack.enter_context(Follower(server, submission, accept)) for accept in (SSE, NDJSON) * 4]
        all_events = [follower.rest() for follower in followers]
    assert all(told(events, "run", "stdout") == "line 0\nline 1\nline 2\ndone\n" for events in all_events)
    assert all(events[-1] == all_events[0][-1] for events in all_events)


def test_no_more_than_64_follow_one(server, problem):
    submission = submit(server, SLEEP)
    with contextlib.ExitStack() as stack:
        followers = [stack.enter_context(Follower(server, submission)) for _ in range(64)]
        problem(server.get(path_of(submission)), 503)
        followers.pop().close()
        deadline = time.monotonic() + 20
        while True: # until the server has seen that it left
            with requests.get(server.url + path_of(submission), stream=True, timeout=60) as answer:
                if answer.status_code == 200:
                    break
            assert time.monotonic() < deadline
            time.sleep(0.1)
        delete(server, submission)
        assert all(follower.rest()[-1]["status"] == "cancelled" for follower in followers)


def test_hanging_up_cancels_nothing(server):
    submission = submit(server, python(STEPS % (3, 0.5)))
    with Follower(server, submission) as stays:
        with Follower(server, submission) as leaves:
            leaves.until("line 0\n")
        events = stays.rest()
    assert events[-1]["status"] == "ok"
    assert told(events, "run", "stdout").endswith("line 2\ndone\n")


@BOTH
def test_deleting_ends_the_streams(server, accept):
    submission = submit(server, SLEEP)
    with Follower(server, submission, accept) as one, Follower(server, submission, accept) as other:
        one.until("so far\n")
        cancelled = delete(server, submission).json()
        assert is_result(one.rest()[-1], cancelled) and is_result(other.rest()[-1], cancelled)
    assert cancelled["status"] == "cancelled"
    assert delete(server, submission).status_code == 204
    assert server.get(path_of(submission)).status_code == 404


def test_a_server_that_stops_breaks_streams_off():
    """Without a result: the reader sees that something is missing, and the submission goes on at the next start."""
    with Server() as stopping:
        submission = submit(stopping, SLEEP)
        with Follower(stopping, submission) as follower:
            follower.until("so far\n")
            stopping.process.terminate()
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                follower.answer.read()
            assert stopping.wait(60) == 0


# --- Who can't keep up ---

# Writes 12 MiB in some seconds, and says at the end how long the longest write took.
WRITER = """
import os, sys, time
longest = 0
for i in range(192):
    piece = b"0123456789abcde " * 4096
    started = time.monotonic()
    while piece:
        piece = piece[os.write(1, piece):]
    longest = max(longest, time.monotonic() - started)
    time.sleep(0.01)
print(longest, file=sys.stderr)
"""


@BOTH
def test_who_is_slow_slows_nobody_and_takes_no_memory(server, accept):
    """Readers that read nothing; what they miss is told, and in the result."""
    request = python(WRITER, limits={"run": {"output_bytes": 16 * MIB, "wall_time_ms": 60000}})
    pid = server.pid_of("glimpsed")
    submission = submit(server, request)
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(Follower(server, submission, accept)) for _ in range(12)]
        quick = stack.enter_context(Follower(server, submission))
        seen = 0
        before = grown = None
        while seen < 11 * MIB:
            event = next(quick.events)
            seen += len(event.get("data", ""))
            before = before or memory_of(pid)
            grown = memory_of(pid) - before
        # The result's own buffer, and what a stream holds; twelve that held all of it would be 144 MiB.
        if "libasan" not in pathlib.Path(f"/proc/{pid}/maps").read_text():  # AddressSanitizer keeps what is freed
            assert grown < 48 * MIB
        events = quick.rest()
        assert "skipped" not in [event["type"] for event in events]
        assert seen + len(told(events, "run", "stdout")) == 12 * MIB
        events = slow[0].rest()
        for follower in slow[1:]:
            follower.close()
    assert events[-1]["status"] == "ok" and len(events[-1]["stages"]["run"]["stdout"]) == 12 * MIB
    assert events[-2]["type"] == "skipped"
    assert events[-2]["bytes"] + len(told(events, "run", "stdout")) + len(told(events, "run", "stderr")) == \
        12 * MIB + len(events[-1]["stages"]["run"]["stderr"])
    assert float(events[-1]["stages"]["run"]["stderr"]) < 15, "the program waited for a reader"


# --- Coming back ---

def test_who_comes_back_goes_on_where_it_was(server):
    submission = submit(server, python("import time\n" + "print('é' * 1000, flush=True)\ntime.sleep(0.3)\n" * 6))
    with Follower(server, submission, SSE) as first:
        seen = first.until("\n")
    last_id = first.ids[-1]
    with Follower(server, submission, SSE, last_id=last_id) as second:
        events = second.rest()
    assert "stage" not in [event["type"] for event in events]
    assert seen + told(events, "run", "stdout") == events[-1]["stages"]["run"]["stdout"] == ("é" * 1000 + "\n") * 6
    assert second.ids[-1] == "result"


def test_who_has_the_result_gets_204(server):
    done = submit(server, HELLO, "?wait=30")
    for _ in range(2):
        answer = server.get(path_of(done), headers={"Accept": SSE, "Last-Event-ID": "result"})
        assert answer.status_code == 204 and answer.content == b""
    delete(server, done)
    assert server.get(path_of(done), headers={"Last-Event-ID": "result"}).status_code == 404


@pytest.mark.parametrize("last_id", ["0.0.0.0", "7.1.0.0", "1.1.999999999.0", "1.9.0.0", "1.1.0", "1.1.0.0.0", "99999999999.1.0.0", "-1.1.0.0",
                                     "1.1.1e5.0", "x" * 500, "result ", "Result"])
def test_ids_that_are_none_of_ours(server, last_id):
    submission = submit(server, python(STEPS % (2, 0.3)))
    with Follower(server, submission, SSE, last_id=last_id) as follower:
        events = follower.rest()
    assert told(events, "run", "stdout") == events[-1]["stages"]["run"]["stdout"]
    restarted = [event for event in events if event["type"] == "restarted"]
    assert len(restarted) == (last_id in ("7.1.0.0", "1.1.999999999.0"))


def test_an_attempt_that_came_to_nothing(server):
    """The service that runs it dies: it is run once more, and its readers hear of that."""
    with Server() as falling:
        submission = submit(falling, python(STEPS % (3, 1)))
        with Follower(falling, submission, SSE) as follower:
            follower.until("line 0\n")
            subprocess.run(["kill", "-KILL", str(falling.pid_of("glimpse-boxd"))], check=True)
            events = follower.rest()
    types = [event["type"] for event in events]
    assert types.count("restarted") == 1 and events[-1]["status"] == "ok"
    after = events[types.index("restarted") + 1:]
    assert after[0] == {"type": "stage", "stage": "run"}
    assert told(after, "run", "stdout") == events[-1]["stages"]["run"]["stdout"]


# --- What is wrong ---

def test_wrong_requests(server, problem):
    done = submit(server, HELLO, "?wait=30")
    for accept in ("text/html", "application/json", "text/event-stream;q=0"):
        assert NDJSON in problem(server.get(path_of(done), headers={"Accept": accept}), 406)
    problem(server.get(path_of({"id": NOBODY})), 404)
    problem(server.get(path_of({"id": "x"})), 404)
    problem(server.get(path_of(done, "?fields=id,color")), 422, "fields")
    problem(server.get(path_of(done, "?fields=request")), 422, "fields")
    answer = server.post(path_of(done), {})
    assert answer.status_code == 405 and "GET" in answer.headers["Allow"]


def test_others_see_nothing():
    """As GET /v1/submissions/{id}: a key's submissions are its own."""
    with Server(config={"require_key": "yes"}) as guarded:
        keys = {name: {"X-API-Key": make(guarded, "--scopes", scopes)} for name, scopes in
                (("mine", "submissions"), ("other", "submissions"), ("runner", "run"))}
        submission = submit(guarded, SLEEP, headers=keys["mine"])
        statuses = {name: guarded.get(path_of(submission), headers=key, stream=True).status_code for name, key in keys.items()}
        assert statuses == {"mine": 200, "other": 404, "runner": 403}
        assert guarded.get(path_of(submission)).status_code == 401


@pytest.mark.parametrize("accept", [None, "*/*", "text/*", SSE])
def test_server_sent_events_without_a_wish(server, accept):
    done = submit(server, HELLO, "?wait=30")
    assert server.get(path_of(done), headers={"Accept": accept}).headers["Content-Type"] == SSE


def test_head(server):
    submission = submit(server, SLEEP)
    for one in (submission, delete(server, submission).json()):
        with requests.Session() as session:
            answer = session.head(server.url + path_of(one), timeout=20)
        assert answer.status_code == 200 and answer.headers["Content-Type"] == SSE and answer.content == b""


def test_a_connection_serves_on(server):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    submission = submit(server, python(STEPS % (2, 0.3)))
    for accept in (NDJSON, SSE, NDJSON):
        connection.request("GET", path_of(submission), headers={"Accept": accept})
        sock = connection.sock
        assert b'"type":"result"' in connection.getresponse().read()
        assert connection.sock is sock
    connection.close()
