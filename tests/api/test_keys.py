"""API keys: made, shown, refused, expired, revoked; what they may; and how soon the server knows."""
import concurrent.futures
import re
import subprocess
import time

import pytest

import glimpse_server
from glimpse_server import Server

PROGRAM = {"language": "bash", "code": "echo 1"}
SOON_S = 10 * glimpse_server.SLOWNESS


def glimpse_key(server, *words):
    return subprocess.run([glimpse_server.BUILD / "glimpse", "key", *words, "--data", server.data], capture_output=True, text=True,
                          timeout=60)


def make(server, *options):
    made = glimpse_key(server, "add", *options)
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    assert re.fullmatch(r"glk_[0-9a-hjkmnp-tv-z]{8}_[0-9a-hjkmnp-tv-z]{52}", key)
    wait_until(lambda: server.get("/healthz", headers={"X-API-Key": key}).status_code == 200)
    return key


def id_of(key):
    return key.split("_")[1]


def wait_until(holds):
    deadline = time.monotonic() + SOON_S
    while not holds():
        assert time.monotonic() < deadline, "the server does not notice"
        time.sleep(0.1)


def run(server, path="/v1/run", body=None, **headers):
    return server.post(path, body or PROGRAM, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.fixture(scope="module")
def closed():
    with Server(config={"require_key": "yes", "log_level": "debug"}) as running:
        yield running


@pytest.fixture(scope="module")
def key(closed):
    return make(closed)


@pytest.mark.parametrize("show", [
    lambda key: {"X_API_Key": key},
    lambda key: {"Authorization": f"Bearer {key}"},
    lambda key: {"Authorization": f"bearer   {key} "},
    lambda key: {"X_API_Key": key, "Authorization": "Basic dXNlcjpwYXNz"},
    lambda key: {"X_API_Key": key, "Authorization": "Bearer somebody.elses.token"},
])
def test_a_key_opens(closed, key, show):
    answer = run(closed, **show(key))
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert f"key:{id_of(key)} asks: POST /v1/run" in closed.log_text()


@pytest.mark.parametrize("path, body", [
    ("/v1/run", PROGRAM), ("/execute", {"code": "print(1)"}), ("/submit", {"code": "print(1)"}), ("/run", {"lang": "py", "code": ""}),
    ("/run-code-pool", {"language": "py", "code": ""}), ("/run-code-lambda", {"language": "py", "code": ""}),
    ("/", {"code": "print(1)"}), ("/run/python", {"code": "print(1)"}),
])
def test_without_a_key_nothing_runs(closed, problem, path, body):
    answer = closed.post(path, body)
    assert "glimpse key add" in problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="glimpse"'


def test_every_route_that_costs_something_takes_a_key():
    routes = (glimpse_server.ROOT / "src" / "api" / "routes.c").read_text()
    rows = re.findall(r'^    \{"(\w+)",\s+"([^"]+)",(.*)\},$', routes, re.MULTILINE)
    assert len(rows) > 15
    is_open = {(method, path) for method, path, rest in rows if ".access" not in rest}
    assert {path for method, path in is_open if method != "GET"} == set()
    assert is_open >= {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/v1/languages")}
    assert ("GET", "/run") not in is_open


def test_what_costs_nothing_is_open(closed):
    for path in ("/healthz", "/readyz", "/v1/languages", "/languages", "/openapi.json", "/"):
        assert closed.get(path).status_code == 200


@pytest.mark.parametrize("shown", [
    "", "x", "glk_", "glk_00000000_" + "0" * 51, "glk_00000000_" + "0" * 53, "GLK_00000000_" + "0" * 52, "glk_0000000u_" + "0" * 52,
    "glk_00000000_" + "é" * 52, "glk_00000000-" + "0" * 52, "k" * 10000,
])
def test_what_is_no_key(closed, problem, shown):
    answer = closed.post("/v1/run", PROGRAM, headers={"X-API-Key": shown.encode()})
    assert "glk_" in problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="glimpse", error="invalid_token"'


def test_a_wrong_key(closed, key, problem):
    unknown = "glk_" + "0" * 8 + key[12:]
    almost = key[:-1] + ("0" if key[-1] != "0" else "1")
    assert problem(run(closed, X_API_Key=unknown), 401) == problem(run(closed, X_API_Key=almost), 401)  # nobody learns which ids there are


def test_two_keys_are_none(closed, key, raw):
    client = raw(closed)
    client.send(f"POST /v1/run HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nX-API-Key: {key}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
    assert client.answer().status == 401
    client.send(f"POST /v1/run HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
    assert client.answer().status == 422  # the connection goes on


def test_a_wrong_key_is_refused_where_none_is_wanted(server, problem):
    problem(run(server, X_API_Key="wrong"), 401)
    problem(server.get("/v1/languages", headers={"Authorization": "Bearer wrong"}), 401)
    assert server.get("/v1/languages", headers={"Authorization": "Basic d3Jvbmc6d3Jvbmc="}).status_code == 200


def test_scopes(closed, problem):
    judge = make(closed, "--scopes", "judge,metrics")
    answer = run(closed, X_API_Key=judge)
    assert "judge metrics" in problem(answer, 403)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="glimpse", error="insufficient_scope", scope="run"'
    only_run = make(closed, "--scopes", "run")
    assert run(closed, X_API_Key=only_run).status_code == 200
    problem(run(closed, "/submit", {"code": "print(1)"}, X_API_Key=only_run), 403)


def test_metrics_are_a_scope():
    with Server(config={"trusted_proxies": "127.0.0.1"}) as server:  # so that nobody is local
        yes, no = make(server, "--scopes", "metrics"), make(server)
        assert server.get("/metrics", headers={"X-API-Key": yes}).status_code == 200
        assert "scope metrics" in server.get("/metrics", headers={"X-API-Key": no}).json()["detail"]
        assert server.get("/metrics").status_code == 403


def test_an_expired_key(closed, problem):
    soon = make(closed, "--expires", "1h")
    assert run(closed, X_API_Key=soon).status_code == 200
    # What an hour would do: the table is moved instead of the clock.
    sql = f"UPDATE keys SET expires_s = unixepoch() - 1 WHERE id = '{id_of(soon)}'; UPDATE key_changes SET n = n + 1;"
    import sqlite3
    with sqlite3.connect(closed.data / "glimpse.db", timeout=30) as database:
        database.executescript(sql)
    wait_until(lambda: run(closed, X_API_Key=soon).status_code == 401)
    assert "has expired" in problem(run(closed, X_API_Key=soon), 401)
    assert re.search(rf"{id_of(soon)}\s+expired", glimpse_key(closed, "list").stdout)


def test_a_revoked_key(closed, problem):
    key = make(closed, "--name", "for a while")
    assert run(closed, X_API_Key=key).status_code == 200
    assert glimpse_key(closed, "revoke", id_of(key)).returncode == 0
    wait_until(lambda: run(closed, X_API_Key=key).status_code == 401)
    assert "was revoked" in problem(run(closed, X_API_Key=key), 401)
    assert re.search(rf"{id_of(key)}\s+revoked .* for a while\n", glimpse_key(closed, "list").stdout)
    assert glimpse_key(closed, "remove", key).returncode == 0  # the whole key is as good as its id
    assert id_of(key) not in glimpse_key(closed, "list").stdout
    wait_until(lambda: "no such key" in run(closed, X_API_Key=key).json()["detail"])


def test_keys_outlive_a_restart_and_are_kept_as_hashes(closed, key):
    import os
    import signal
    os.kill(closed.pid_of("glimpsed"), signal.SIGKILL)
    wait_until(lambda: closed._is_ready())
    wait_until(lambda: run(closed, X_API_Key=key).status_code == 200)
    files = list(closed.data.glob("glimpse.db*"))
    assert files
    for file in files:
        assert key.split("_")[2].encode() not in file.read_bytes()
        assert oct(file.stat().st_mode & 0o777) == "0o600"
        assert file.stat().st_uid == (closed.data / "glimpse.db").stat().st_uid != 0
    assert key.split("_")[2] not in closed.log_text()


def test_many_are_made_at_once_while_the_server_writes(closed, key):
    """Two processes, one database: nobody is locked out."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = [pool.submit(glimpse_key, closed, "add") for _ in range(6)]
        stored = [pool.submit(run, closed, "/submit", {"code": "print(1)"}, X_API_Key=key) for _ in range(6)]
        assert [one.result().returncode for one in made] == [0] * 6
        assert [one.result().status_code for one in stored] == [200] * 6


@pytest.mark.parametrize("words, says", [
    ([], "takes add, list, revoke or remove"),
    (["make"], "not make"),
    (["add", "--scopes", "root"], "--scopes are of: run, submissions, judge, metrics"),
    (["add", "--scopes", ""], "--scopes are of"),
    (["add", "--expires", "2020-01-01"], "is over already"),
    (["add", "--expires", "0d"], "is over already"),
    (["add", "--expires", "soon"], "90d, 12h, or a date"),
    (["add", "--expires", "2027-02-30x"], "90d, 12h, or a date"),
    (["add", "--weight", "0"], "--weight is a number from 1 to 1000"),
    (["add", "--weight", "1001"], "from 1 to 1000"),
    (["add", "--rate", "-1"], "--rate is a number"),
    (["add", "--rate", "1000000001"], "from 0 to 1000000000"),
    (["add", "--running", "1025"], "from 0 to 1024"),
    (["add", "--queued", "x"], "--queued is a number"),
    (["add", "--name", "x" * 65], "at most 64 bytes"),
    (["add", "--name", "a\nb"], "one line"),
    (["add", "more"], "takes no arguments"),
    (["list", "--weight", "3"], "is for `glimpse key add`"),
    (["revoke"], "wants the ID"),
    (["revoke", "nosuchid"], "there is no key nosuchid"),
    (["revoke", "'; DROP TABLE keys; --"], "there is no key"),
])
def test_a_wrong_command_line(closed, words, says):
    done = glimpse_key(closed, *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stdout == ""
