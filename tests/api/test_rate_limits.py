"""Requests an hour: by address and by key, told in headers, and no way round."""
import concurrent.futures
import re
import subprocess
import time

import pytest

import glimpse_server
from glimpse_server import Server

PROGRAM = {"language": "bash", "code": "echo 1"}
WRONG = {"language": "none", "code": ""}  # counts as well, and costs no box
LIMIT = 5


@pytest.fixture(scope="module")
def limited():
    with Server(config={"rate_limit": LIMIT, "trusted_proxies": "127.0.0.1", "metrics_allow": "127.0.0.1"}) as running:
        yield running


@pytest.fixture(scope="module")
def untold():
    """Behind a proxy on this machine that trusted_proxies does not name."""
    with Server(config={"rate_limit": LIMIT}) as running:
        yield running


def ask(server, address, path="/v1/run", body=WRONG, **headers):
    sent = {"X-Forwarded-For": address} if address else {}
    return server.post(path, body, headers={**sent, **headers})


def read(header):
    """'"address";q=5;w=3600' as a dict."""
    name, *params = header.split(";")
    return {"policy": name.strip('"'), **{key: int(value) for key, value in (param.split("=") for param in params)}}


def test_the_limit_and_its_headers(limited, problem):
    for i in range(LIMIT):
        answer = ask(limited, "192.0.2.1", body=PROGRAM if i % 2 else WRONG)
        assert answer.status_code == (200 if i % 2 else 422)
        assert read(answer.headers["RateLimit-Policy"]) == {"policy": "address", "q": LIMIT, "w": 3600}
        state = read(answer.headers["RateLimit"])
        assert state["policy"] == "address" and state["r"] == LIMIT - 1 - i and 0 < state["t"] <= 3660
    answer = ask(limited, "192.0.2.1", body=PROGRAM)
    detail = problem(answer, 429)
    assert "addr:192.0.2.1 has made the 5 requests" in detail and "glimpse key add" in detail
    assert read(answer.headers["RateLimit"])["r"] == 0
    assert 0 < int(answer.headers["Retry-After"]) <= 3660
    assert ask(limited, "192.0.2.2").status_code == 422  # another one is not this one
    assert re.search(r'glimpse_rejections_total\{reason="rate_limit"\} [1-9]', limited.get("/metrics").text)


def test_every_door_counts_and_what_costs_nothing_does_not(limited, problem):
    address = {"X-Forwarded-For": "192.0.2.3"}
    doors = [("/execute", {}), ("/run-code-pool", {}), ("/", {}), ("/v1/judge", {}), ("/run/py", {})]
    assert len(doors) == LIMIT
    for path, body in doors:
        assert ask(limited, "192.0.2.3", path, body).status_code in (400, 422)
    for path in ("/v1/run", "/v1/judge", "/execute", "/submit", "/run-code-pool", "/run-code-lambda", "/run", "/", "/run/py"):
        problem(ask(limited, "192.0.2.3", path), 429)
    assert limited.get("/run?lang=py&code=1", headers=address).status_code == 429
    for path in ("/healthz", "/readyz", "/v1/languages", "/languages", "/openapi.json", "/"):
        answer = limited.get(path, headers=address)
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers


def test_whatever_is_posted_counts():
    routes = (glimpse_server.ROOT / "src" / "api" / "routes.c").read_text()
    rows = re.findall(r'^    \{"POST",\s+"([^"]+)",(.*)\},$', routes, re.MULTILINE)
    assert len(rows) > 10
    assert [path for path, rest in rows if "GATE_COUNTS" not in rest] == []


@pytest.mark.parametrize("spoof", [
    lambda i: f"198.51.100.{i}, 192.0.2.4",
    lambda i: ", ".join(f"10.{i}.0.{n}" for n in range(200)) + ", 192.0.2.5",
    lambda i: f"::ffff:192.0.2.6" if i % 2 else "192.0.2.6",
    lambda i: f"192.0.2.7:{1000 + i}",
    lambda i: f"2001:db8:1:2::{i:x}",  # one customer's /64
    lambda i: f"garbage{i}, 192.0.2.8",
    lambda i: f"192.0.2.9, garbage{i}",  # the proxy itself, then
])
def test_no_way_round(limited, spoof):
    answers = [ask(limited, spoof(i)).status_code for i in range(LIMIT + 3)]
    assert answers == [422] * LIMIT + [429] * 3


def test_two_neighbours_of_ipv6_are_two(limited):
    for _ in range(LIMIT + 1):
        last = ask(limited, "2001:db8:7:1::1")
    assert last.status_code == 429
    assert ask(limited, "2001:db8:7:2::1").status_code == 422


def test_this_machine_has_no_limit(untold):
    for _ in range(3 * LIMIT):
        answer = ask(untold, None)
        assert answer.status_code == 422
        assert "RateLimit" not in answer.headers


def test_a_proxy_that_nobody_named_is_one_caller(untold, problem):
    """Otherwise all of the world would be this machine, without a limit."""
    answers = [ask(untold, f"192.0.2.{i}") for i in range(LIMIT + 1)]
    assert [answer.status_code for answer in answers] == [422] * LIMIT + [429]
    assert "trusted_proxies" in problem(answers[-1], 429)
    assert ask(untold, None).status_code == 422


def test_nobody_slips_in_between(limited):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: ask(limited, "192.0.2.40").status_code, range(40)))
    assert sorted(answers) == [422] * LIMIT + [429] * (40 - LIMIT)


def test_a_refused_body_is_not_kept(limited, raw):
    """It is read and dropped, so that the connection goes on."""
    for _ in range(LIMIT):
        ask(limited, "192.0.2.41")
    client = raw(limited)
    big = b"x" * (1 << 20)
    for _ in range(3):
        client.send(b"POST /v1/run HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.41\r\nContent-Length: %d\r\n\r\n" % len(big) + big)
        assert client.answer().status == 429
    client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.answer().status == 200


def test_a_batch_counts_as_what_is_in_it(limited, problem):
    def batch(n, address="192.0.2.42"):
        return ask(limited, address, "/v1/submissions/batch", {"submissions": [PROGRAM] * n})

    answer = batch(3)
    assert answer.status_code == 202
    assert read(answer.headers["RateLimit"])["r"] == LIMIT - 3
    answer = batch(4)  # which counts as one try
    problem(answer, 429)
    assert int(answer.headers["Retry-After"]) > 1
    assert read(answer.headers["RateLimit"])["r"] == LIMIT - 4
    assert batch(1).status_code == 202
    problem(batch(1), 429)
    assert "send fewer" in problem(batch(LIMIT + 1, "192.0.2.43"), 422)


def make_key(server, *options):
    made = subprocess.run([glimpse_server.BUILD / "glimpse", "key", "add", "--data", server.data, *options], stdout=subprocess.PIPE,
                          text=True, check=True, timeout=60)
    key = made.stdout.strip()
    deadline = time.monotonic() + 10 * glimpse_server.SLOWNESS
    while server.get("/healthz", headers={"X-API-Key": key}).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return key


def test_a_key_has_its_own_limit_wherever_it_comes_from(limited, untold, problem):
    key, free = make_key(limited, "--rate", "3"), make_key(limited)
    for i in range(3):
        answer = ask(limited, f"192.0.2.{50 + i}", **{"X-API-Key": key})
        assert answer.status_code == 422
        assert read(answer.headers["RateLimit-Policy"]) == {"policy": "key", "q": 3, "w": 3600}
    assert "key:" in problem(ask(limited, "192.0.2.60", **{"X-API-Key": key}), 429)
    assert ask(limited, "192.0.2.50").status_code == 422  # the address has not been counted
    for _ in range(LIMIT + 2):  # also from one that has used up its own
        answer = ask(limited, "192.0.2.1", **{"X-API-Key": free})
        assert answer.status_code == 422
        assert "RateLimit" not in answer.headers
    # On this machine too: who shows a key is the key.
    near = make_key(untold, "--rate", "1")
    assert [ask(untold, None, **{"X-API-Key": near}).status_code for _ in range(2)] == [422, 429]


def test_without_a_limit():
    with Server(config={"rate_limit": 0, "trusted_proxies": "127.0.0.1"}) as server:
        answers = [ask(server, "192.0.2.1") for _ in range(20)]
        assert {answer.status_code for answer in answers} == {422}
        assert "RateLimit" not in answers[0].headers


def test_the_default_is_a_thousand():
    with Server(config={"trusted_proxies": "127.0.0.1"}) as server:
        assert read(ask(server, "192.0.2.1").headers["RateLimit-Policy"])["q"] == 1000
