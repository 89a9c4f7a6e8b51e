"""Who asks: the address, or, behind a trusted proxy and nowhere else, what its X-Forwarded-For says."""
import itertools
import re

import pytest

from glimpse_server import Server

TRUSTED = {"log_level": "debug", "trusted_proxies": "127.0.0.1 10.0.0.0/8 2001:db8:1::/48"}


@pytest.fixture(scope="module")
def behind_proxy():
    with Server(config=TRUSTED) as running:
        yield running


@pytest.fixture(scope="module")
def alone():
    with Server(config={"log_level": "debug"}) as running:
        yield running


paths = (f"/run/n{i}" for i in itertools.count())


@pytest.fixture()
def asks_as(raw):
    """Asks for a path that nobody else asks for, and reads from the log as whom."""
    def ask(server, *lines):
        path = next(paths)
        head = "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", "Content-Length: 2", *lines])
        assert raw(server).send(f"{head}\r\n\r\n{{}}".encode("latin-1")).answer().status == 400
        found = re.findall(rf'msg="(\S+) asks: POST {path}"', server.log_text())
        assert len(found) == 1, found
        return found[0]
    return ask


@pytest.mark.parametrize("lines, caller", [
    ([], "addr:127.0.0.1"),
    (["X-Forwarded-For: 192.0.2.1"], "addr:192.0.2.1"),
    (["X-Forwarded-For: 198.51.100.9, 192.0.2.1"], "addr:192.0.2.1"),
    (["X-Forwarded-For: 198.51.100.9", "X-Forwarded-For: 192.0.2.1"], "addr:192.0.2.1"),
    (["x-forwarded-for: 192.0.2.1", "X-FORWARDED-FOR: 10.1.2.3"], "addr:192.0.2.1"),
    (["X-Forwarded-For: 2001:db8:9:8:7:6:5:4"], "addr:2001:db8:9:8::/64"),
    (["X-Forwarded-For: ::ffff:192.0.2.1"], "addr:192.0.2.1"),
    (["X-Forwarded-For: " + "198.51.100.9, " * 700 + "192.0.2.1"], "addr:192.0.2.1"),
    (["X-Forwarded-For: 192.0.2.1, unknown"], "addr:127.0.0.1"),
    (["Forwarded: for=192.0.2.1"], "addr:127.0.0.1"),
    (["X-Real-IP: 192.0.2.1"], "addr:127.0.0.1"),
])
def test_behind_a_trusted_proxy(behind_proxy, asks_as, lines, caller):
    assert asks_as(behind_proxy, *lines) == caller


@pytest.mark.parametrize("lines", [
    [], ["X-Forwarded-For: 192.0.2.1"], ["X-Forwarded-For: ::1"], ["Forwarded: for=192.0.2.1"],
    ["X-Forwarded-For: garbage \xff", "X-Forwarded-For:"], ["X-Forwarded-For: " + "9" * 10000],
])
def test_a_stranger_is_not_believed(alone, asks_as, lines):
    assert asks_as(alone, *lines) == "addr:127.0.0.1"


@pytest.mark.parametrize("value, says", [
    ("localhost", "is no address or network"),
    ("10.0.0.1/8", "10.0.0.0/8 is that network"),
    ("127.0.0.1 0.0.0.0/0", "is everybody"),
    (" ".join(f"10.0.0.{i}" for i in range(65)), "64"),
])
def test_a_wrong_setting_stops_the_start(value, says):
    server = Server(environment={"GLIMPSE_TRUSTED_PROXIES": value})
    with pytest.raises(AssertionError, match="the server ended"):
        server.start()
    log = server.log_text()
    server.stop()
    assert "trusted_proxies" in log.lower() and says in log
