"""One caller floods, another asks now and then: the light one waits as on an idle server, and each gets its share.

All come from this machine, through a proxy that the server trusts: X-Forwarded-For says who they are.
"""
import concurrent.futures
import itertools
import statistics
import threading
import time

import pytest
import requests

from glimpse_server import Server

FLOODERS = 64  # connections, all of one caller
FLOOD_MS = 150
RUNNING = 4
LIGHT_RUNS = 15


@pytest.fixture(scope="module")
def fair():
    with Server(config={"max_running": RUNNING, "max_queued": 200, "trusted_proxies": "127.0.0.1",
                        "metrics_allow": "127.0.0.1", "rate_limit": 0}) as running:
        yield running


class Client:
    """One caller with one connection."""

    def __init__(self, server, address):
        self.url = server.url + "/v1/run"
        self.session = requests.Session()
        self.session.headers["X-Forwarded-For"] = address

    def ask(self, code, wall_ms=5000):
        return self.session.post(self.url, json={"language": "bash", "code": code, "limits": {"run": {"wall_time_ms": wall_ms}}},
                                 timeout=60)

    def seconds(self):
        """How long a small program takes, from request to answer."""
        started = time.monotonic()
        answer = self.ask("echo light")
        took = time.monotonic() - started
        assert answer.status_code == 200, answer.text
        assert answer.json()["stages"]["run"]["stdout"] == "light\n"
        return took


class Flood:
    """As many connections as that, each with one program after the other, until it is over."""

    def __init__(self, server, addresses, n=FLOODERS):
        self.server, self.addresses, self.n = server, itertools.cycle(addresses), n
        self.over = threading.Event()
        self.served = {}

    def _flood(self, address):
        client, served = Client(self.server, address), 0
        while not self.over.is_set():
            answer = client.ask(f"sleep {FLOOD_MS / 1000}")
            assert answer.status_code in (200, 429), answer.text
            served += answer.status_code == 200 and not self.over.is_set()  # what is left in the queues then does not count
            if answer.status_code == 429:
                time.sleep(0.2)
        return address, served

    def __enter__(self):
        self.pool = concurrent.futures.ThreadPoolExecutor(self.n)
        self.work = [self.pool.submit(self._flood, next(self.addresses)) for _ in range(self.n)]
        queued = 0
        while queued < min(self.n, 100) - RUNNING - 4:  # until it stands
            text = self.server.get("/metrics").text
            queued = int(text.split("\nglimpse_queue_length ")[1].split()[0])
            time.sleep(0.02)
        return self

    def __exit__(self, *exception):
        self.over.set()
        for work in self.work:
            address, served = work.result()
            self.served[address] = self.served.get(address, 0) + served
        self.pool.shutdown()


def test_a_light_caller_waits_as_on_an_idle_server(fair):
    light, same = Client(fair, "192.0.2.1"), Client(fair, "198.51.100.66")
    idle_s = [light.seconds() for _ in range(LIGHT_RUNS)]
    with Flood(fair, ["198.51.100.66"]) as flood:
        light_s = [light.seconds() for _ in range(LIGHT_RUNS)]
        same_s = [same.seconds() for _ in range(2)]
    idle, lit, behind = (statistics.median(values) * 1000 for values in (idle_s, light_s, same_s))
    print(f"\n{FLOODERS} connections of one caller, programs of {FLOOD_MS} ms, {RUNNING} places: a light caller's program takes "
          f"{idle:.0f} ms on an idle server, {lit:.0f} ms (worst {max(light_s) * 1000:.0f} ms) beside the flood; "
          f"the flooder's own takes {behind:.0f} ms; {sum(flood.served.values())} of the flood were served")
    # The flooder waits for its own queue; the light caller for none of it: not even for one program to end, as a place is kept free.
    assert lit < behind / 5
    assert sum(flood.served.values()) > LIGHT_RUNS, "that was no flood"


def test_more_callers_than_places_share_them(fair):
    """Two flooders, one with three times the connections: both get half. A third, light one still waits for less than a program."""
    light = Client(fair, "192.0.2.2")
    idle_s = [light.seconds() for _ in range(5)]
    with Flood(fair, ["198.51.100.1", "198.51.100.1", "198.51.100.1", "2001:db8::7"]) as flood:
        light_s = [light.seconds() for _ in range(2 * LIGHT_RUNS)]
    served = flood.served
    print(f"\nserved {served}; the light caller: idle {statistics.median(idle_s) * 1000:.0f} ms, "
          f"beside them {statistics.median(light_s) * 1000:.0f} ms")
    assert min(served.values()) > 0.6 * max(served.values())


def test_the_queue_has_room_for_another_caller(fair):
    """However many one caller sends, it is told to come again, and another is not."""
    with Flood(fair, ["198.51.100.5"], n=140):
        refused = Client(fair, "198.51.100.5").ask("echo one too many")
        if refused.status_code == 200:  # one of the others was refused meanwhile
            refused = Client(fair, "198.51.100.5").ask("echo one too many")
        taken = [Client(fair, f"192.0.2.{i}").seconds() for i in range(10, 20)]
        figures = fair.get("/metrics").text
    assert refused.status_code in (200, 429)
    if refused.status_code == 429:
        assert refused.headers["Retry-After"] == "1"
        assert "of your runs are waiting already" in refused.json()["detail"]
    assert 'glimpse_rejections_total{reason="caller_queue_full"}' in figures
    assert len(taken) == 10
