"""Requests that no HTTP library sends. Each gets an answer that says what is wrong, or the connection ends; nobody else notices."""
import json
import time

import pytest

RUN = json.dumps({"language": "python", "code": "print(1)"}).encode()
MIB = 1 << 20
BODY_MAX = 16 * MIB


def post(body, path=b"/v1/run", extra=b""):
    return b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s" % (
        path, extra, len(body), body)


def check_problem(answer, status):
    assert answer is not None, "no answer"
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(answer.body)
    assert problem["status"] == status and problem["detail"]
    return problem["detail"]


BROKEN = {
    "not HTTP": (b"HELO there\r\n\r\n", 400),
    "unknown encoding": (b"POST /v1/run HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "no version": (b"GET /healthz\r\n\r\n", 400),
    "unknown version": (b"GET /healthz HTTP/3.7\r\nHost: x\r\n\r\n", 505),
    "no Host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    "header without colon": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n", 400),
    "negative length": (b"POST /v1/run HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400),
    "length is no number": (b"POST /v1/run HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\n", 400),
    "length overflows": (b"POST /v1/run HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413),
    "bad chunk": (b"POST /v1/run HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "endless request line": (b"GET /" + b"x" * 40000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    "endless header": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 40000 + b"\r\n\r\n", 431),
    "too many headers": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20000 + b"\r\n", 431),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken(server, raw, name):
    request, status = BROKEN[name]
    client = raw()
    try:
        client.send(request)
    except ConnectionError:
        pass  # it did not want to hear more
    check_problem(client.answer(), status)
    assert client.is_closed()
    assert server.get("/healthz").status_code == 200


def test_tls_to_the_plain_port_ends(server, raw):
    client = raw().send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)))
    client.sock.settimeout(20)
    client.answer()
    assert client.is_closed()
    assert server.get("/healthz").status_code == 200


def test_length_and_chunks_together_are_not_two_requests(raw):
    """Request smuggling: what follows must not be taken for a request of its own."""
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    client = raw().send(b"POST /v1/run HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%s" % (
        5 + len(smuggled), smuggled))
    assert client.answer().status == 400
    assert client.is_closed()
    assert client.buffer == b""


def test_two_different_lengths_are_not_two_requests(raw):
    client = raw().send(b"POST /v1/run HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\n{}"
                        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.answer().status == 400
    assert client.is_closed()
    assert client.buffer == b""


def test_unknown_paths_and_methods(server, raw):
    client = raw()
    assert "/nothing" in check_problem(client.send(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n").answer(), 404)
    for method in (b"GET", b"PUT", b"DELETE", b"OPTIONS", b"BREW", b"get"):
        answer = client.send(method + b" /v1/run HTTP/1.1\r\nHost: x\r\n\r\n").answer()
        assert "POST" in check_problem(answer, 405)
        assert answer.headers["allow"] == "POST"
    answer = client.send(b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}").answer()
    check_problem(answer, 405)
    assert answer.headers["allow"] == "GET, HEAD"
    assert client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").answer().status == 200  # the same connection


@pytest.mark.parametrize("path", [b"/v1/run/", b"//v1/run", b"/v1/../v1/run", b"/v1/run%2f", b"/V1/RUN", b"/run/", b"/run/a/b", b"*"])
def test_paths_are_taken_as_they_are(raw, path):
    assert raw().send(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}").answer().status == 404


def test_http_1_0_gets_its_answer_and_the_end(raw):
    client = raw().send(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert client.answer().status == 200
    assert client.is_closed()


def test_pipelined_requests_are_answered_in_order(raw):
    client = raw()
    programs = [json.dumps({"language": "bash", "code": f"sleep 0.{9 - i}; echo {i}"}).encode() for i in range(4)]
    client.send(b"".join(post(p) for p in programs) + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    for i in range(4):
        assert json.loads(client.answer().body)["stages"]["run"]["stdout"] == f"{i}\n"
    assert json.loads(client.answer().body)["status"] == "ok"


def test_keep_alive_is_kept(raw):
    client = raw()
    for _ in range(50):
        assert client.send(post(RUN)).answer().status == 200


def test_byte_by_byte(raw):
    client = raw()
    for byte in post(RUN):
        client.send(bytes([byte]))
    assert client.answer().status == 200


def test_expect_100_continue(raw):
    head, _, body = post(RUN, extra=b"Expect: 100-continue\r\n").partition(b"\r\n\r\n")
    client = raw().send(head + b"\r\n\r\n")
    assert client.answer().status == 100
    assert client.send(body).answer().status == 200


# --- Sizes ---

def test_a_body_that_says_it_is_too_large_is_refused_at_once(raw):
    client = raw().send(b"POST /v1/run HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (BODY_MAX + 1))
    assert str(BODY_MAX) in check_problem(client.answer(), 413)
    assert client.is_closed()


def test_expect_100_continue_is_refused_before_the_body(raw):
    client = raw().send(b"POST /v1/run HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (BODY_MAX + 1))
    check_problem(client.answer(), 413)


def test_a_body_that_turns_out_too_large_is_refused(raw):
    client = raw().send(b"POST /v1/run HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"100000\r\n" + b" " * MIB + b"\r\n"
    sent = 0
    try:
        for sent in range(64):
            client.send(chunk)
    except ConnectionError:
        pass
    assert sent >= BODY_MAX // MIB
    check_problem(client.answer(), 413)


def test_a_client_that_sends_all_first_still_reads_the_refusal(server, problem):
    """Closing with unread bytes would reset the connection, and the answer with it."""
    for path in ("/v1/run", "/nothing", "/run-code-pool"):
        problem(server.post(path, b" " * (BODY_MAX + 4 * MIB)), 413)


def test_the_largest_body_is_taken(server, problem):
    start = b'{"language": "python", "code": "print(1)"'
    answer = server.post("/v1/run", start + b" " * (BODY_MAX - len(start) - 1) + b"}")
    assert answer.status_code == 200


# --- Time ---

def test_slow_requests_end(server, raw):
    """Slowloris: headers and bodies that trickle, forty at a time; all are told and closed, and others are served meanwhile."""
    started = time.monotonic()
    heads = [raw().send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n") for _ in range(20)]
    bodies = [raw().send(b"POST /v1/run HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{") for _ in range(20)]
    idle = raw()
    assert server.get("/healthz").status_code == 200
    closed = set()
    while len(closed) < 40 and time.monotonic() < started + 35:
        time.sleep(1)
        for client in heads + bodies:
            try:
                client.send(b"X: y\r\n" if client in heads else b" ")
            except ConnectionError:
                closed.add(client)
    assert len(closed) == 40
    assert server.run({"language": "bash", "code": "echo fine"})["stages"]["run"]["stdout"] == "fine\n"
    assert idle.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").answer().status == 200  # it had time yet


def test_a_slow_head_is_told(raw):
    client = raw().send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
    check_problem(client.answer(), 408)
    assert client.is_closed()
