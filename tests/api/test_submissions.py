"""POST /v1/submissions and what becomes of them: every route, each state."""
import concurrent.futures
import json
import re
import socket
import subprocess
import time

import pytest
import requests

from glimpse_server import SLOWNESS, Server

HELLO = {"language": "python", "code": "print('hi')"}
SLEEP = {"language": "bash", "code": "echo so far; sleep 50"}
FIELDS = ["id", "language", "version", "status", "message", "stages", "created_at", "started_at", "finished_at", "queue"]
LIST_FIELDS = [name for name in FIELDS if name != "stages"]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def submit(server, request=HELLO, query="", **options):
    answer = server.post("/v1/submissions" + query, request, **options)
    assert answer.status_code in (200, 202), answer.text
    return answer.json()


def look(server, submission, query=""):
    answer = server.get(f"/v1/submissions/{submission['id']}{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def delete(server, submission):
    return requests.delete(f"{server.url}/v1/submissions/{submission['id']}", timeout=60)


def wait_for(server, submission, status):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if look(server, submission, "?fields=status")["status"] == status:
            return
        time.sleep(0.02)
    raise AssertionError(f"never {status}: {look(server, submission)}")


@pytest.fixture(scope="module")
def narrow():
    """A server where few run at one time, so that the others wait."""
    with Server(config={"max_running": 1, "submissions_max": 170}) as running:
        yield running


# --- One ---

def test_accepted_then_finished(server):
    answer = server.post("/v1/submissions", HELLO)
    assert answer.status_code == 202
    body = answer.json()
    assert list(body) == FIELDS
    assert UUID.fullmatch(body["id"]) and INSTANT.fullmatch(body["created_at"])
    assert answer.headers["Location"] == f"/v1/submissions/{body['id']}"
    assert body["status"] in ("queued", "running", "ok")
    done = look(server, body, "?wait=30")
    assert list(done) == FIELDS
    assert (done["status"], done["stages"]["run"]["stdout"], done["stages"]["compile"]) == ("ok", "hi\n", None)
    assert (done["id"], done["created_at"], done["queue"]) == (body["id"], body["created_at"], None)
    assert done["created_at"] <= done["started_at"] <= done["finished_at"]


def test_it_says_what_run_says(server):
    """The same object as that of POST /v1/run, and more at its end."""
    request = {"language": "c", "code": "#include <stdio.h>\nint main(void) { puts(\"\\xff\"); return 3; }", "output_encoding": "base64"}
    run, submission = server.run(request), submit(server, request, "?wait=30")
    assert list(submission)[:len(run)] == list(run)
    assert submission["stages"]["run"].keys() == run["stages"]["run"].keys()
    for field in ("status", "exit_code", "signal", "stdout", "stderr", "truncated", "binary"):
        assert submission["stages"]["run"][field] == run["stages"]["run"][field]
    assert submission["status"] == "runtime_error" and submission["stages"]["compile"]["status"] == "ok"


def test_wait_gives_the_finished_one(server):
    answer = server.post("/v1/submissions?wait=30", HELLO)
    assert answer.status_code == 200 and answer.json()["status"] == "ok"
    assert answer.headers["Location"].endswith(answer.json()["id"])


def test_wait_that_is_too_short(server):
    answer = server.post("/v1/submissions?wait=1", SLEEP)
    assert answer.status_code == 202 and answer.json()["status"] == "running"
    assert answer.json()["started_at"] and answer.json()["queue"] is None
    answer = server.get(f"/v1/submissions/{answer.json()['id']}?wait=1")
    assert answer.status_code == 200 and answer.json()["status"] == "running"
    assert delete(server, answer.json()).json()["status"] == "cancelled"


def test_wait_zero_does_not_wait(server):
    submission = submit(server, SLEEP, "?wait=0")
    assert look(server, submission, "?wait=0")["status"] in ("queued", "running")
    delete(server, submission)


def test_hanging_up_while_waiting_does_not_cancel(server):
    request = {"language": "bash", "code": "sleep 1; echo done"}
    body = json.dumps(request).encode()
    with socket.create_connection((server.host, server.port)) as sock:
        sock.sendall(b"POST /v1/submissions?wait=30 HTTP/1.1\r\nHost: x\r\nIdempotency-Key: hangs-up\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        time.sleep(0.4)
    again = server.post("/v1/submissions", body, headers={"Idempotency-Key": "hangs-up", "Content-Type": "application/json"})
    assert again.headers["Idempotent-Replayed"] == "true"
    with socket.create_connection((server.host, server.port)) as sock:
        sock.sendall(b"GET /v1/submissions/%s?wait=30 HTTP/1.1\r\nHost: x\r\n\r\n" % again.json()["id"].encode())
        time.sleep(0.1)
    assert look(server, again.json(), "?wait=30")["stages"]["run"]["stdout"] == "done\n"


def test_many_wait_for_one(server):
    submission = submit(server, {"language": "bash", "code": "sleep 1; echo done"})
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: look(server, submission, "?wait=30"), range(16)))
    assert all(answer == answers[0] for answer in answers) and answers[0]["status"] == "ok"


@pytest.mark.parametrize("fields", ["status", "id,status", "finished_at,id", "request", "stages,queue"])
def test_fields(server, fields):
    submission = submit(server, HELLO, f"?wait=30&fields=id,{fields}" if "id" not in fields else f"?wait=30&fields={fields}")
    assert set(submission) == set(fields.split(",")) | {"id"}
    got = look(server, submission, f"?fields={fields}")
    assert set(got) == set(fields.split(","))
    assert got.get("request", HELLO) == HELLO


@pytest.mark.parametrize("path", ["/v1/submissions", "/v1/submissions/batch"])
@pytest.mark.parametrize("query, field", [("wait=61", "wait"), ("wait=-1", "wait"), ("wait=x", "wait"), ("wait=", "wait"), ("wait=1.5", "wait"),
                                          ("wait=99999999999999999999", "wait"), ("fields=", "fields"), ("fields=status,", "fields"),
                                          ("fields=stdout", "fields"), ("fields=status;id", "fields")])
def test_bad_queries(server, problem, path, query, field):
    body = HELLO if path.endswith("submissions") else {"submissions": [HELLO]}
    problem(server.post(f"{path}?{query}", body), 422, field)


@pytest.mark.parametrize("body, field", [
    ({"code": "x"}, "language"), ({"language": "cobol", "code": "x"}, "language"), ({"language": "python", "version": "2", "code": "x"}, "version"),
    ({"language": "python"}, "code"), ({**HELLO, "nonsense": 1}, "nonsense"), ({**HELLO, "limits": {"run": {"wall_time_ms": 0}}}, "limits.run.wall_time_ms"),
])
def test_bad_requests_are_refused_at_once(server, problem, body, field):
    problem(server.post("/v1/submissions", body), 422, field)


def test_other_refusals(server, problem):
    problem(server.post("/v1/submissions", b"["), 400)
    problem(server.post("/v1/submissions", b"x=1", headers={"Content-Type": "application/x-www-form-urlencoded"}), 415)
    for bad in ("x", "01a1ffeb-d687-7302-96ea-e503fa6ef02", "01A1FFEB-D687-7302-96EA-E503FA6EF02A", "%00" * 36, "01a1ffeb-d687-7302-96ea-e503fa6ef02a"):
        problem(server.get(f"/v1/submissions/{bad}"), 404)
        problem(requests.delete(f"{server.url}/v1/submissions/{bad}", timeout=30), 404)
    problem(requests.put(f"{server.url}/v1/submissions", timeout=30), 405)


# --- Cancelling and deleting ---

def test_cancel_while_it_runs(server):
    submission = submit(server, SLEEP)
    wait_for(server, submission, "running")
    time.sleep(1 * SLOWNESS)  # it shall have said what it has to say
    answer = delete(server, submission)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["stages"]["run"]["status"], body["stages"]["run"]["stdout"]) == ("cancelled", "cancelled", "so far\n")
    assert look(server, submission) == body


def test_cancel_in_the_queue(narrow):
    running = [submit(narrow, SLEEP) for _ in range(2)]
    waiting = [submit(narrow) for _ in range(3)]
    # The first of them is the engine's already, but has not begun; the others are in the database.
    positions = [look(narrow, one)["queue"]["position"] for one in waiting]
    assert positions == sorted(positions) and positions[-1] - positions[0] == 2
    for one in reversed(waiting):
        body = delete(narrow, one).json()
        assert (body["status"], body["started_at"], body["stages"]) == ("cancelled", None, {"compile": None, "run": None})
    assert [delete(narrow, one).json()["status"] for one in running] == ["cancelled"] * 2


def test_delete_removes_what_is_finished(server, problem):
    submission = submit(server, HELLO, "?wait=30")
    answer = delete(server, submission)
    assert (answer.status_code, answer.content) == (204, b"")
    problem(server.get(f"/v1/submissions/{submission['id']}"), 404)
    problem(delete(server, submission), 404)


def test_cancel_by_many_at_once(server):
    submission = submit(server, SLEEP)
    wait_for(server, submission, "running")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: delete(server, submission), range(8)))
    # One that comes when it has ended removes it, and then those that wait for its end may find nothing more.
    codes = {answer.status_code for answer in answers}
    assert codes <= {200, 204, 404} and codes & {200, 204}
    assert all(answer.json()["status"] == "cancelled" for answer in answers if answer.status_code == 200)


# --- Batches ---

def test_batch(server):
    answer = server.post("/v1/submissions/batch", {"submissions": [{"language": "python", "code": f"print({i})"} for i in range(100)]})
    assert answer.status_code == 202
    batch = answer.json()["submissions"]
    assert len(batch) == 100 and all(list(one) == LIST_FIELDS for one in batch)
    outputs = [look(server, one, "?wait=60")["stages"]["run"]["stdout"] for one in batch]
    assert outputs == [f"{i}\n" for i in range(100)]


def newest(server):
    return [one["id"] for one in server.get("/v1/submissions?limit=1").json()["submissions"]]


@pytest.mark.parametrize("batch, field", [
    ([HELLO] * 3 + [{"language": "python"}], "submissions[3].code"),
    ([HELLO, {"language": "cobol", "code": ""}], "submissions[1].language"),
    ([{**HELLO, "version": "9"}], "submissions[0].version"),
    ([HELLO, {**HELLO, "files": []}], "submissions[1].files"),
    ([HELLO, 5], "submissions[1]"), ([], "submissions"), ([HELLO] * 101, "submissions"), (None, "submissions"), ({}, "submissions"),
])
def test_batches_are_taken_as_a_whole_or_not(server, problem, batch, field):
    before = newest(server)
    problem(server.post("/v1/submissions/batch", {"submissions": batch}), 422, field)
    assert newest(server) == before


def test_batch_refusals(server, problem):
    problem(server.post("/v1/submissions/batch", {}), 422, "submissions")
    problem(server.post("/v1/submissions/batch", {"submissions": [HELLO], "callback": ""}), 422, "callback")
    problem(server.post("/v1/submissions/batch?fields=stages", {"submissions": [HELLO]}), 422, "fields")


# --- Idempotency ---

def test_the_same_key_and_body_make_one(server):
    def one(_):
        return server.post("/v1/submissions?wait=30", HELLO, headers={"Idempotency-Key": "test one"})

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(one, range(32)))
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert all(answer.json()["status"] == "ok" for answer in answers)


def test_the_same_key_for_something_else(server, problem):
    submit(server, HELLO, headers={"Idempotency-Key": "test two"})
    assert "Idempotency-Key" in problem(server.post("/v1/submissions", {**HELLO, "stdin": ""}, headers={"Idempotency-Key": "test two"}), 422, "Idempotency-Key")
    problem(server.post("/v1/submissions/batch", {"submissions": [HELLO]}, headers={"Idempotency-Key": "test two"}), 422, "Idempotency-Key")


def test_a_batch_with_a_key(server, problem):
    batches = [server.post("/v1/submissions/batch", {"submissions": [HELLO] * 5}, headers={"Idempotency-Key": "batch"}) for _ in range(2)]
    ids = [[one["id"] for one in batch.json()["submissions"]] for batch in batches]
    assert ids[0] == ids[1] and len(set(ids[0])) == 5
    for one in batches[0].json()["submissions"]:
        look(server, one, "?wait=30")
        assert delete(server, one).status_code == 204
    problem(server.post("/v1/submissions/batch", {"submissions": [HELLO] * 5}, headers={"Idempotency-Key": "batch"}), 410)


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tbed", "caf\u00e9"])
def test_bad_keys(server, problem, key):
    problem(server.post("/v1/submissions", HELLO, headers={"Idempotency-Key": key.encode("latin-1")}), 422, "Idempotency-Key")


# --- Lists ---

def list_all(server, query, limit):
    seen, cursor = [], ""
    while cursor is not None:
        page = server.get(f"/v1/submissions?limit={limit}{query}{cursor and '&cursor=' + cursor}").json()
        assert len(page["submissions"]) <= limit
        assert all(list(one) == LIST_FIELDS for one in page["submissions"])
        seen += page["submissions"]
        cursor = page["next_cursor"]
    return seen


def test_list_newest_first_and_by_pages(server):
    batch = server.post("/v1/submissions/batch", {"submissions": [HELLO] * 23}).json()["submissions"]
    ids = [one["id"] for one in list_all(server, f"&created_after={batch[0]['created_at'][:-5]}Z", 5)]
    assert ids == sorted(ids, reverse=True) and len(set(ids)) == len(ids)
    assert {one["id"] for one in batch} <= set(ids)
    assert len(server.get("/v1/submissions").json()["submissions"]) == 20


def test_paging_while_others_come_in(server):
    wanted = {one["id"] for one in server.post("/v1/submissions/batch", {"submissions": [HELLO] * 20}).json()["submissions"]}
    seen, cursor = [], ""
    while len(seen) < 40 and cursor is not None:
        page = server.get(f"/v1/submissions?limit=3{cursor and '&cursor=' + cursor}").json()
        seen += [one["id"] for one in page["submissions"]]
        cursor = page["next_cursor"]
        submit(server)
    assert len(set(seen)) == len(seen) and wanted <= set(seen)


def test_list_filters(server):
    one, other = submit(server, HELLO, "?wait=30"), submit(server, {"language": "bash", "code": "exit 3"}, "?wait=30")
    running = submit(server, SLEEP)
    wait_for(server, running, "running")

    def ids(query):
        return {one["id"] for one in list_all(server, query, 100)}

    mine = {one["id"], other["id"], running["id"]}
    since = f"&created_after={one['created_at']}"
    assert ids(since) & mine == {other["id"], running["id"]}  # after, not at
    assert ids(since + "&status=runtime_error") == {other["id"]}
    assert ids(since + "&status=running") == {running["id"]}
    assert ids(since + "&language=sh") == {other["id"], running["id"]}
    assert ids(f"&created_before={other['created_at']}") & mine == {one["id"]}
    local = time.strftime("%Y-%m-%dT%H:%M:%S%%2B01:00", time.gmtime(time.time() + 3600 - 3600 * 5))
    assert mine <= ids(f"&created_after={local}")
    assert ids(f"&created_before={local}") & mine == set()
    fields = server.get("/v1/submissions?fields=id,status&limit=2").json()["submissions"]
    assert [list(one) for one in fields] == [["id", "status"]] * 2
    delete(server, running)


@pytest.mark.parametrize("query, field", [
    ("limit=0", "limit"), ("limit=101", "limit"), ("limit=1e1", "limit"), ("cursor=x", "cursor"), ("cursor=", "cursor"), ("status=done", "status"),
    ("status=", "status"), ("language=cobol", "language"), ("created_after=yesterday", "created_after"), ("created_before=2026-02-30T00:00:00Z", "created_before"),
    ("created_after=2026-01-01T00:00:00+01:00", "created_after"), ("fields=stages", "fields"), ("fields=request", "fields"),
])
def test_list_refusals(server, problem, query, field):
    problem(server.get("/v1/submissions?" + query), 422, field)


# --- The queue ---

def test_more_than_may_wait_are_refused(narrow, problem):
    running = [submit(narrow, SLEEP) for _ in range(2)]
    assert narrow.post("/v1/submissions/batch", {"submissions": [SLEEP] * 100}).status_code == 202
    problem(narrow.post("/v1/submissions/batch", {"submissions": [SLEEP] * 100}), 503)
    assert "Retry-After" in narrow.post("/v1/submissions/batch", {"submissions": [SLEEP] * 100}).headers
    assert "share" in problem(narrow.post("/v1/submissions", SLEEP), 429)  # there is room, but not for who has most of it
    for one in list_all(narrow, "&status=queued", 100) + running:
        delete(narrow, one)
    assert submit(narrow, HELLO, "?wait=30")["status"] == "ok"


def test_a_line_of_submissions_does_not_delay_a_run_for_long(narrow):
    request = {"language": "bash", "code": "sleep 0.3"}
    answer = narrow.post("/v1/submissions/batch", {"submissions": [request] * 60})
    assert answer.status_code == 202, answer.text
    batch = answer.json()["submissions"]
    assert narrow.run(HELLO)["status"] == "ok"
    waiting = sum(look(narrow, one, "?fields=status")["status"] == "queued" for one in batch)
    assert waiting > 30, "the run came behind the line"
    for one in batch:
        delete(narrow, one)


def test_callers_take_turns():
    """One caller's hundred do not stand before another's one."""
    with Server(config={"max_running": 1, "trusted_proxies": "127.0.0.1"}) as server:
        def headers(address):
            return {"X-Forwarded-For": address, "Content-Type": "application/json"}

        request = {"language": "bash", "code": "sleep 0.2"}
        many = server.post("/v1/submissions/batch", {"submissions": [request] * 40}, headers=headers("192.0.2.1")).json()["submissions"]
        one = server.post("/v1/submissions", request, headers=headers("192.0.2.2")).json()
        assert one["queue"]["position"] < 8
        assert look(server, one, "?wait=60")["status"] == "ok"
        assert sum(look(server, other, "?fields=status")["status"] == "queued" for other in many) > 20
        # Who does not know an id does not learn it; and a key is a caller's own.
        assert [seen["id"] for seen in server.get("/v1/submissions", headers=headers("192.0.2.2")).json()["submissions"]] == [one["id"]]
        assert server.get("/v1/submissions", headers=headers("192.0.2.3")).json() == {"submissions": [], "next_cursor": None}
        keyed = [server.post("/v1/submissions", request, headers={**headers(f"192.0.2.{n}"), "Idempotency-Key": "k"}).json()["id"] for n in (4, 5)]
        assert keyed[0] != keyed[1]
        # What waits keeps its turns over a restart.
        server.process.terminate()
        server.wait(60)
        server.start()
        one = server.post("/v1/submissions", request, headers=headers("192.0.2.2")).json()
        assert look(server, one, "?wait=60")["status"] == "ok"
        assert sum(look(server, other, "?fields=status")["status"] == "queued" for other in many) > 10


def test_files_that_a_program_leaves(server):
    request = {"language": "bash", "code": "echo hi > a.txt; echo ho > b.txt", "collect": ["*.txt"]}
    run, submission = server.run(request), submit(server, request, "?wait=30")
    assert list(submission)[:len(run)] == list(run) and submission["files"] == run["files"] and submission["files_omitted"] == 0
    assert look(server, submission, "?fields=files") == {"files": run["files"], "files_omitted": 0}
    assert "files" not in submit(server, HELLO, "?wait=30")


def test_first_come_first_served(narrow):
    batch = narrow.post("/v1/submissions/batch", {"submissions": [HELLO] * 10}).json()["submissions"]
    started = [look(narrow, one, "?wait=60")["started_at"] for one in batch]
    assert started == sorted(started)


# --- The store ---

def test_compat_submit_is_in_the_same_store(server):
    before = server.post("/submit", {"code": "print(1)"}).json()["submission_id"]
    submit(server, HELLO, "?wait=30")
    body = server.post("/submit", {"code": "import sys; print(1); print(2, file=sys.stderr)"}).json()
    assert body["submission_id"] > before
    one = server.get("/v1/submissions?limit=1").json()["submissions"][0]
    whole = look(server, one, "?fields=status,stages,request,language")
    assert (whole["status"], whole["language"], whole["stages"]["run"]["stdout"]) == ("ok", "python", "1\n2\n")
    assert whole["request"] == {"language": "python", "code": "import sys; print(1); print(2, file=sys.stderr)"}


def test_what_was_finished_survives_a_restart():
    with Server() as server:
        finished = submit(server, HELLO, "?wait=30")
        server.process.terminate()
        assert server.wait(60) == 0
        server.start()
        assert look(server, finished) == finished


def test_a_stop_lets_the_running_end_and_keeps_the_waiting():
    with Server(config={"max_running": 1}) as server:
        running = submit(server, {"language": "bash", "code": "sleep 2; echo ended"})
        wait_for(server, running, "running")
        waiting = [submit(server, {"language": "bash", "code": "sleep 0.2; echo ended"}) for _ in range(6)]
        server.process.terminate()
        assert server.wait(60) == 0
        server.start()
        assert look(server, running)["stages"]["run"]["stdout"] == "ended\n"
        for one in waiting:
            done = look(server, one, "?wait=60")
            assert (done["status"], done["stages"]["run"]["stdout"]) == ("ok", "ended\n")


def test_old_ones_are_deleted():
    with Server(config={"submissions_age": "1s"}) as server:
        old = submit(server, HELLO, "?wait=30")
        deadline = time.monotonic() + 80
        while server.get(f"/v1/submissions/{old['id']}").status_code != 404:
            assert time.monotonic() < deadline, "it is kept for ever"
            time.sleep(0.5)


# --- A full disk ---

@pytest.fixture()
def small_disk():
    """A server whose data folder is on a file system of its own, with a file on it that can be removed."""
    server = Server()
    server.data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0755", "none", server.data], check=True)
    try:
        server.start()
        (server.data / "ballast").write_bytes(bytes(18 << 20))
        yield server
    finally:
        try:
            server.process.terminate()
            server.wait(90)
        finally:
            subprocess.run(["umount", "-l", server.data], check=True)
            server.stop()


def test_a_full_disk_is_told_and_forgotten(small_disk, problem):
    kept = submit(small_disk, HELLO, "?wait=30")
    large = {"language": "python", "code": "pass", "stdin": "x" * (1 << 20)}
    taken = []
    for _ in range(20):
        answer = small_disk.post("/v1/submissions?wait=2", large)
        if answer.status_code == 507:
            break
        assert answer.status_code in (200, 202), answer.text  # 202: it has run, but its end finds no room
        taken.append(answer.json())
    assert "disk is full" in problem(answer, 507) and 0 < len(taken) < 8
    assert look(small_disk, kept) == kept
    assert small_disk.run(HELLO)["status"] == "ok"  # what is not stored needs no room
    (small_disk.data / "ballast").unlink()
    for one in taken:
        assert look(small_disk, one, "?wait=30")["status"] == "ok"
    assert submit(small_disk, HELLO, "?wait=30")["status"] == "ok"
    assert small_disk.log_text().count("can't be stored") < 10
