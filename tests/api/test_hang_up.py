"""A client that hangs up ends its run, at once, whatever the run was doing."""
import contextlib
import json
import pathlib
import time

import pytest

from glimpse_server import comm, descendants, wait_until

SLEEP = json.dumps({"language": "bash", "code": "sleep 30"}).encode()
COMPILE = json.dumps({"language": "cpp", "code": "#include <regex>\n#include <iostream>\nint main() { std::regex r(\"a\"); }"}).encode()


def post(body, path=b"/v1/run"):
    return b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (path, len(body), body)


def all_places_are_free(server):
    """As many runs as there are places end soon only where no other run holds a place."""
    started = time.monotonic()
    assert server.run({"language": "bash", "code": "echo"})["status"] == "ok"
    return time.monotonic() - started < 5


def sockets_of_glimpsed(server):
    sockets = 0
    for link in pathlib.Path(f"/proc/{server.pid_of('glimpsed')}/fd").glob("*"):
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            sockets += str(link.readlink()).startswith("socket:")
    return sockets


def programs(server):
    """Names of what runs in boxes and comes from the requests above; idle boxes have interpreters in them."""
    names = map(comm, descendants(server.pid_of("glimpse-boxd")))
    return [name for name in names if name in {"sleep", "sh", "g++", "cc1plus", "as", "collect2", "ld"}]


@pytest.fixture(autouse=True)
def nothing_leaks(server):
    before = sockets_of_glimpsed(server)
    yield
    assert wait_until(lambda: sockets_of_glimpsed(server) <= before, 10), "connections stay open for nobody"


def test_a_thousand_clients_hang_up(server, raw):
    """In all states: while queued, while the box starts, while it compiles, while it runs."""
    for i in range(1000):
        client = raw().send(post(COMPILE if i % 10 == 0 else SLEEP))
        if i % 3 == 0:
            time.sleep(0.002 * (i % 7))
        client.close()
    assert all_places_are_free(server)
    assert wait_until(lambda: not programs(server), 10), "programs run on for nobody"


def test_half_a_close_counts_as_well(server, raw):
    import socket
    clients = [raw().send(post(SLEEP)) for _ in range(8)]
    assert wait_until(lambda: "sleep" in programs(server))
    for client in clients:
        client.sock.shutdown(socket.SHUT_WR)
    assert all_places_are_free(server)
    for client in clients:
        assert client.is_closed()


def test_hanging_up_in_compat_endpoints(server, raw):
    body = json.dumps({"language": "py", "lang": "python", "code": "import time; time.sleep(30)"}).encode()
    for path in (b"/run-code-pool", b"/run-code-lambda", b"/execute", b"/submit", b"/run"):
        for _ in range(8):
            raw().send(post(body, path)).close()
    assert all_places_are_free(server)


def test_hanging_up_in_the_middle_of_a_body(server, raw):
    for i in range(100):
        raw().send(post(SLEEP)[:60 + i]).close()
    assert all_places_are_free(server)


def test_hanging_up_while_the_answer_is_on_its_way(server, raw):
    body = json.dumps({"language": "python", "code": "print('x' * (7 << 20))", "limits": {"run": {"output_bytes": 8 << 20}}}).encode()
    for _ in range(10):
        client = raw().send(post(body))
        assert client.sock.recv(100)
        client.close()
    assert all_places_are_free(server)
