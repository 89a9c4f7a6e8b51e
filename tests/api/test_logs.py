"""The log: a line for each request, in three formats, with what names it, and nothing of what it asked to be run."""
import json
import re
import socket
import time

import pytest

from glimpse_server import Server

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HOSTILE = ["a b", "x" * 65, 'a"b', "a,b", "\x1b[31mred", "é", "a;b"]


@pytest.fixture(scope="module")
def own():
    with Server({"log_format": "json", "log_level": "debug"}) as running:
        yield running


def entries(server):
    """Every line is whole JSON, or serve's own stdout-less child's: none is anything else."""
    return [json.loads(line) for line in server.log_text().splitlines()]


def entry_of(server, request_id):
    """The access line of a request; it comes a moment after the answer."""
    for _ in range(100):
        found = [one for one in entries(server) if one.get("request") == request_id]
        if found:
            assert len(found) == 1
            return found[0]
        time.sleep(0.05)
    raise AssertionError(server.log_text())


def parse_logfmt(line):
    fields = re.findall(r'([a-z]+)=("(?:[^"\\]|\\.)*"|[^ "=\\]*)(?: |$)', line)
    assert " ".join(f"{name}={value}" for name, value in fields) == line, line
    return {name: json.loads(value) if value.startswith('"') else value for name, value in fields}


def test_a_line_for_a_run(own):
    answer = own.post("/v1/run", {"language": "python", "code": "print('s3cret-output')  # s3cret-source",
                                  "stdin": "s3cret-stdin", "env": {"A": "s3cret-env"}, "args": ["s3cret-arg"]},
                      headers={"X-Request-Id": "my-request.1", "traceparent": TRACE})
    assert answer.headers["X-Request-Id"] == "my-request.1"
    assert answer.headers["traceparent"] == TRACE
    entry = entry_of(own, "my-request.1")
    assert {"level": "info", "comp": "glimpsed", "msg": "request", "method": "POST", "route": "/v1/run", "status": 200,
            "caller": "addr:127.0.0.1", "traceparent": TRACE, "job": answer.json()["id"],
            "bytes": len(answer.content)}.items() <= entry.items()
    assert entry["us"] > 1000
    assert set(entry) == {"ts", "level", "comp", "msg", "request", "method", "route", "status", "us", "bytes", "caller", "job",
                          "traceparent"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["ts"])


def test_nothing_of_programs_is_logged(own):
    own.post("/v1/run", {"language": "c", "code": "s3cret-source"})
    own.post("/v1/run", {"language": "python", "code": "print('s3cret-output')", "unknown-s3cret": 1})
    own.post("/v1/run", b'{"language": "python", "code": "s3cret-broken')
    own.get("/run", params={"lang": "python", "code": "print('s3cret-query')"})
    own.post("/submit", {"code": "print('s3cret-kept')"})
    entry_of(own, own.get("/healthz").headers["X-Request-Id"])
    assert "s3cret" not in own.log_text()


def test_a_request_gets_a_name(own):
    names = [own.get("/healthz").headers["X-Request-Id"] for _ in range(3)]
    assert len(set(names)) == 3
    for name in names:
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", name)
        assert entry_of(own, name)["route"] == "/healthz"
    refused = own.post("/v1/run", {"language": "python"}, headers={"X-Request-Id": "refused-1"})
    assert refused.headers["X-Request-Id"] == "refused-1"
    assert entry_of(own, "refused-1")["status"] == 422


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_is_none(own, raw_exchange, name):
    sent = name.encode()
    headers = raw_exchange(own, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: %s\r\ntraceparent: %s\r\n\r\n" % (sent, sent))
    assert re.fullmatch(rb"[0-9a-f-]{36}", headers[b"x-request-id"])
    assert b"traceparent" not in headers
    assert name not in [one.get("request") for one in entries(own)]


def test_two_names_are_none(own, raw_exchange):
    headers = raw_exchange(own, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\r\nX-Request-Id: b\r\n"
                                b"traceparent: %s\r\ntraceparent: %s\r\n\r\n" % (TRACE.encode(), TRACE.encode()))
    assert headers[b"x-request-id"] not in (b"a", b"b", b"a,b")
    assert b"traceparent" not in headers


@pytest.fixture()
def raw_exchange():
    def exchange(server, request):
        with socket.create_connection((server.host, server.port), timeout=30) as sock:
            sock.sendall(request)
            data = b""
            while b"\r\n\r\n" not in data:
                data += sock.recv(65536)
        lines = data.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}

    return exchange


def test_a_refused_body_has_a_name(own, raw_exchange):
    """Written past libmicrohttpd."""
    headers = raw_exchange(own, b"POST /v1/run HTTP/1.1\r\nHost: x\r\nX-Request-Id: too-big\r\nContent-Length: 99999999\r\n\r\n")
    assert headers[b"x-request-id"] == b"too-big"
    assert entry_of(own, "too-big")["status"] == 413


@pytest.mark.parametrize("path", ["/%0Ats=1 level=error msg=forged", "/\x1b[2J", "/%22 level=error", "/" + "x" * 5000, "/é%ff%00"])
@pytest.mark.parametrize("log_format", ["json", "logfmt", "text"])
def test_no_line_is_forged(formats, path, log_format):
    server = formats[log_format]
    before = len(server.log_text().splitlines())
    with socket.create_connection((server.host, server.port), timeout=30) as sock:
        sock.sendall(b"GET " + path.replace(" ", "%20").encode() + b" HTTP/1.1\r\nHost: x\r\nX-Request-Id: forger\r\n\r\n")
        assert b" 404 " in sock.recv(65536).partition(b"\r\n")[0]
    for _ in range(100):
        if len(server.log_text().splitlines()) > before:
            break
        time.sleep(0.05)
    lines = server.log.read_bytes().decode().split("\n")[before:-1]
    assert len(lines) == 1, lines
    assert "\x1b" not in lines[0] and len(lines[0]) < 1000
    if log_format == "json":
        assert json.loads(lines[0])["level"] == "info"
    elif log_format == "logfmt":
        assert parse_logfmt(lines[0])["level"] == "info"
    else:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} info glimpsed: request request=forger .*", lines[0])


@pytest.fixture(scope="module")
def formats(own):
    with Server({"log_format": "text"}) as text, Server() as logfmt:
        yield {"json": own, "text": text, "logfmt": logfmt}


def test_every_line_of_all_daemons_parses(formats):
    assert {one["comp"] for one in entries(formats["json"])} == {"serve", "boxd", "glimpsed"}
    lines = [parse_logfmt(line) for line in formats["logfmt"].log_text().splitlines()]
    assert {one["comp"] for one in lines} == {"serve", "boxd", "glimpsed"}
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (info|warn) \w+: ", line)
               for line in formats["text"].log_text().splitlines())
