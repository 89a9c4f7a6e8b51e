"""callback_url: who asked is told of a submission's end; and nobody else is talked to."""
import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import pytest
import requests

from glimpse_server import Server

HELLO = {"language": "python", "code": "print('hi')"}


class Receiver:
    """Listens on loopback, notes what comes, and answers as it is told."""

    def __init__(self, address="127.0.0.1", family=socket.AF_INET):
        outer = self
        self.got, self.answers = [], []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                status, headers = outer.answers.pop(0) if outer.answers else (200, {})
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_):
                pass

        class Http(http.server.ThreadingHTTPServer):
            address_family = family

        self.server = Http((address, 0), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, n, seconds=20):
        deadline = time.monotonic() + seconds
        while len(self.got) < n and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(self.got) >= n, f"{len(self.got)} of {n} came"
        return self.got

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture()
def receiver():
    one = Receiver()
    yield one
    one.close()


@pytest.fixture(scope="module")
def friendly():
    """A server that may post to this machine."""
    with Server(config={"webhook_allow": "127.0.0.0/8 ::1"}) as running:
        yield running


def submit(server, url, request=None, query="?wait=30"):
    answer = server.post("/v1/submissions" + query, {**(request or HELLO), "callback_url": url})
    assert answer.status_code in (200, 202), answer.text
    return answer.json()


def callback(server, submission, done=lambda state: state["tries"] > 0 and state["answer"], seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = server.get(f"/v1/submissions/{submission['id']}?fields=callback").json()["callback"]
        if done(state):
            return state
        time.sleep(0.05)
    raise AssertionError(state)


def check_signature(server, headers, body):
    secret = (server.data / "webhook.secret").read_text().strip()
    assert secret.startswith("whsec_")
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60


def test_the_end_is_told_and_signed(friendly, receiver):
    submission = submit(friendly, receiver.url + "/hook?a=1&b=%20")
    path, headers, body = receiver.wait(1)[0]
    assert path == "/hook?a=1&b=%20"
    assert headers["content-type"] == "application/json" and headers["webhook-id"] == submission["id"]
    assert headers["user-agent"].startswith("glimpse/")
    check_signature(friendly, headers, body)
    told = json.loads(body)
    assert told == {name: value for name, value in friendly.get(f"/v1/submissions/{submission['id']}").json().items() if name != "callback"}
    assert told["stages"]["run"]["stdout"] == "hi\n"
    state = callback(friendly, submission, lambda state: state["status"] != "waiting")
    assert state == {"url": receiver.url + "/hook?a=1&b=%20", "status": "delivered", "tries": 1, "answer": "HTTP 200"}
    time.sleep(0.5)
    assert len(receiver.got) == 1


def test_failures_and_cancels_are_told_too(friendly, receiver):
    submit(friendly, receiver.url, {"language": "c", "code": "x"})
    running = submit(friendly, receiver.url, {"language": "bash", "code": "sleep 50"}, "")
    requests.delete(f"{friendly.url}/v1/submissions/{running['id']}", timeout=30)
    assert {json.loads(body)["status"] for _, _, body in receiver.wait(2)} == {"compile_error", "cancelled"}


def test_a_batch(friendly, receiver):
    batch = [{**HELLO, "callback_url": f"{receiver.url}/{i}"} for i in range(40)]
    assert friendly.post("/v1/submissions/batch", {"submissions": batch}).status_code == 202
    assert sorted(int(path[1:]) for path, _, _ in receiver.wait(40, 60)) == list(range(40))


def test_what_is_too_large_comes_without_its_output(friendly, receiver):
    submission = submit(friendly, receiver.url, {"language": "python", "code": "import sys\nfor i in range(6): sys.stdout.write('\\x01' * (1 << 20))",
                                                 "limits": {"run": {"output_bytes": 8 << 20}}})
    assert len(json.dumps(submission)) > 16 << 20, "the language's maximum is too small for this test"
    body = json.loads(receiver.wait(1)[0][2])
    assert body["status"] == submission["status"] and "stages" not in body


@pytest.mark.parametrize("status", [500, 404, 301])
def test_other_answers_are_tried_again(friendly, receiver, status):
    receiver.answers = [(status, {"Location": receiver.url + "/elsewhere"})]
    submission = submit(friendly, receiver.url)
    state = callback(friendly, submission)
    assert (state["status"], state["tries"], state["answer"]) == ("waiting", 1, f"HTTP {status}")
    first, second = receiver.wait(2)[:2]  # after 10 s
    assert first[0] == second[0] == "/" and first[2] == second[2]
    assert first[1]["webhook-id"] == second[1]["webhook-id"]
    check_signature(friendly, second[1], second[2])
    assert callback(friendly, submission, lambda state: state["status"] != "waiting")["tries"] == 2


def test_nobody_listens(friendly):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    state = callback(friendly, submit(friendly, f"http://127.0.0.1:{port}/"))
    assert (state["status"], state["tries"]) == ("waiting", 1) and "onnect" in state["answer"]


def test_an_endless_answer_is_an_answer(friendly):
    """Its status counts; the rest is not waited for."""
    def serve(sock):
        with contextlib.suppress(OSError):
            client, _ = sock.accept()
            client.recv(65536)
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                client.sendall(b"x" * 65536)

    with socket.create_server(("127.0.0.1", 0)) as sock:
        threading.Thread(target=serve, args=(sock,), daemon=True).start()
        state = callback(friendly, submit(friendly, f"http://127.0.0.1:{sock.getsockname()[1]}/"))
        assert (state["status"], state["answer"]) == ("delivered", "HTTP 200")


@pytest.mark.parametrize("host", [
    "127.0.0.1", "localhost", "localhost.", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0", "0.0.0.0",
    "127.0.0.2", "%31%32%37.0.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "①②⑦.⓪.⓪.①", "10.0.0.1", "169.254.169.254", "192.168.1.1", "[fe80::1]", "[fd00::1]", "255.255.255.255",
    socket.gethostname(),
])
def test_private_addresses_are_not_connected_to(server, host):
    """However they are written, and whatever name leads there. This server allows none."""
    receivers = [Receiver("0.0.0.0"), Receiver("::", socket.AF_INET6)]
    try:
        for receiver in receivers:
            answer = server.post("/v1/submissions?wait=30", {**HELLO, "callback_url": f"http://{host}:{receiver.port}/"})
            if answer.status_code == 422:  # not even a URL
                assert answer.json()["field"] == "callback_url"
                continue
            state = callback(server, answer.json())
            assert state["status"] == "waiting" and ("not public" in state["answer"] or "resolve" in state["answer"] or "URL" in state["answer"]), state
            assert receiver.got == []
    finally:
        for receiver in receivers:
            receiver.close()


def test_a_redirect_is_not_followed(friendly, receiver):
    target = Receiver()
    receiver.answers = [(307, {"Location": target.url}), (200, {})]
    callback(friendly, submit(friendly, receiver.url))
    assert target.got == []
    target.close()


@pytest.mark.parametrize("url", [
    "", "x", "ftp://example.org/", "file:///etc/passwd", "gopher://127.0.0.1/", "//example.org/", "http://", "http:///x", "https://:80/", "http://?x",
    "http://user:password@example.org/", "http://example.org/#part", "http://example.org/ x", "http://exam\nple.org/", "http://example.org\\@evil/",
    "http://example.org/\u00e9", "https://example.org/" + "x" * 2048, "http://a\u0000b/", 5, ["http://example.org/"], {},
])
def test_bad_urls(server, problem, url):
    problem(server.post("/v1/submissions", {**HELLO, "callback_url": url}), 422, "callback_url")
    problem(server.post("/v1/submissions/batch", {"submissions": [HELLO, {**HELLO, "callback_url": url}]}), 422, "submissions[1].callback_url")


def test_run_has_none(server, problem):
    problem(server.post("/v1/run", {**HELLO, "callback_url": "https://example.org/"}), 422, "callback_url")


# --- Whatever dies ---

def couriers(server):
    """The keeper and the one at work."""
    keeper = server.pid_of("glimpse-courier", server.pid_of("glimpsed"))
    return keeper, server.pid_of("glimpse-courier", keeper)


@pytest.fixture()
def own_server():
    with Server(config={"webhook_allow": "127.0.0.1"}) as running:
        yield running


def test_a_restart_forgets_no_webhook(own_server, receiver):
    receiver.answers = [(503, {})]
    submission = submit(own_server, receiver.url)
    callback(own_server, submission)
    os.kill(own_server.pid_of("glimpsed"), signal.SIGKILL)
    receiver.wait(2, 40)
    assert [json.loads(body)["id"] for _, _, body in receiver.got] == [submission["id"]] * 2


def test_a_new_courier_follows(own_server, receiver):
    keeper, worker = couriers(own_server)
    os.kill(worker, signal.SIGKILL)
    submit(own_server, receiver.url)
    receiver.wait(1)
    assert couriers(own_server)[0] == keeper


def test_without_its_keeper_glimpsed_starts_anew(own_server, receiver):
    glimpsed = own_server.pid_of("glimpsed")
    keeper, worker = couriers(own_server)
    os.kill(keeper, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while os.path.exists(f"/proc/{glimpsed}") or os.path.exists(f"/proc/{worker}"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(requests.RequestException):
            if own_server.get("/readyz").status_code == 200:
                break
        assert time.monotonic() < deadline
        time.sleep(0.1)
    submit(own_server, receiver.url)
    receiver.wait(1)


# --- What the courier may ---

def test_the_courier_is_locked_in(server):
    _, worker = couriers(server)
    status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{worker}/status").read_text().splitlines() if ":\t" in line)
    assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
    assert all(int(status[name], 16) == 0 for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"))
    assert "0" not in status["Uid"].split() and "0" not in status["Gid"].split()
    names = [os.readlink(f"/proc/{worker}/fd/{fd}") for fd in os.listdir(f"/proc/{worker}/fd")]
    assert not any("glimpse.db" in name or "webhook.secret" in name for name in names), names


def test_the_secret_is_nobody_elses(server):
    assert (server.data / "webhook.secret").stat().st_mode & 0o777 == 0o600
    shown = subprocess.run([server.build / "glimpse", "webhook-secret", "--data", server.data], capture_output=True, text=True, timeout=20, check=True)
    assert shown.stdout == (server.data / "webhook.secret").read_text()
    with Server() as other:
        assert (other.data / "webhook.secret").read_text() != shown.stdout
