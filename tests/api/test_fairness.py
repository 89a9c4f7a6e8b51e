"""One caller's bounds, over HTTP: places and queue of an address and of a key. Who waits for whom: tests/load/test_fairness.py."""
import concurrent.futures
import subprocess
import time

import pytest

import glimpse_server
from glimpse_server import Server

SOON_S = 30 * glimpse_server.SLOWNESS


@pytest.fixture(scope="module")
def shared():
    with Server(config={"max_running": 4, "max_queued": 20, "max_running_per_caller": 1, "max_queued_per_caller": 3,
                        "trusted_proxies": "127.0.0.1", "metrics_allow": "127.0.0.1"}) as running:
        yield running


def ask(server, address, seconds=0, **headers):
    return server.post("/v1/run", {"language": "bash", "code": f"sleep {seconds}"}, headers={"X-Forwarded-For": address, **headers})


def figure(server, name):
    return float(next(line for line in server.get("/metrics").text.splitlines() if line.startswith(name + " ")).split()[1])


def wait_for(server, **figures):
    deadline = time.monotonic() + SOON_S
    while any(figure(server, f"glimpse_{name}") != value for name, value in figures.items()):
        assert time.monotonic() < deadline, {name: figure(server, f"glimpse_{name}") for name in figures}
        time.sleep(0.02)


@pytest.fixture()
def pool():
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        yield pool


def test_places_and_queue_of_one_caller(shared, pool, problem):
    busy = [pool.submit(ask, shared, "192.0.2.1", 2) for _ in range(4)]
    wait_for(shared, running=1, queue_length=3, queue_callers=1)  # though there are four places
    refused = ask(shared, "192.0.2.1")
    assert "3 of your runs are waiting already" in problem(refused, 429)
    assert refused.headers["Retry-After"] == "1"
    compat = shared.post("/execute", {"code": "1"}, headers={"X-Forwarded-For": "192.0.2.1"})
    assert compat.status_code == 429
    assert "of your runs" in compat.json()["detail"]
    assert compat.headers["Retry-After"] == "1"
    other = ask(shared, "192.0.2.2")  # overtakes those that wait
    assert other.json()["status"] == "ok"
    assert sum(one.done() for one in busy) < 4
    assert {one.result().status_code for one in busy} == {200}


def test_a_key_has_bounds_of_its_own(shared, pool):
    made = subprocess.run([glimpse_server.BUILD / "glimpse", "key", "add", "--data", shared.data, "--running", "3", "--queued", "1"],
                          stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    key = {"X-API-Key": made.stdout.strip()}
    deadline = time.monotonic() + SOON_S
    while shared.get("/healthz", headers=key).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    busy = [pool.submit(ask, shared, f"192.0.2.{i}", 2, **key) for i in range(10, 14)]  # wherever they come from
    wait_for(shared, running=3, queue_length=1)
    assert ask(shared, "192.0.2.99", **key).status_code == 429
    assert ask(shared, "192.0.2.10").status_code == 200  # the address itself is another caller
    assert {one.result().status_code for one in busy} == {200}


def test_this_machine_may_have_all_places(pool):
    with Server(config={"max_running": 4, "metrics_allow": "127.0.0.1"}) as server:
        busy = [pool.submit(server.post, "/v1/run", {"language": "bash", "code": "sleep 1.5"}) for _ in range(4)]
        wait_for(server, running=4)
        assert {one.result().status_code for one in busy} == {200}
