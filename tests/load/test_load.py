"""500 clients at once and a small queue: nobody gets another's output, whoever cannot be served is told at once, memory stays."""
import concurrent.futures
import pathlib
import random
import statistics
import threading
import time

import pytest
import requests

from glimpse_server import Server

CLIENTS = 500
RUNNING = 4
QUEUED = 32
WALL_MS = 1000
DEADLINE_S = 80
MIB = 1 << 20
GROWTH_KB = 16 << 10  # between one storm and the next: what a leak of a few KiB per job would pass

HEALTHY = {"language": "bash", "code": "echo healthy"}
# Each prints its nonce, then runs into a limit of its own.
KINDS = [
    ("echo {n}", {}, {"ok"}),
    ("echo {n}; exit 3", {}, {"runtime_error"}),
    ("echo {n}; kill -SEGV $$", {}, {"signaled"}),
    ("echo {n}; sleep 30", {"wall_time_ms": 1500}, {"wall_time_limit"}),
    ("echo {n}; while :; do :; done", {"cpu_time_ms": 100}, {"cpu_time_limit", "wall_time_limit"}),
    ("echo {n}; yes {n}", {"output_bytes": 20000}, {"output_limit"}),
    ("echo {n}; head -c 8M /dev/zero > x || exit 1", {"box_bytes": 2 * MIB}, {"disk_limit"}),
    ("echo {n}; for i in 1 2 3 4 5 6 7 8; do sleep 9 & done; wait", {"processes": 4, "wall_time_ms": 1500},
     {"process_limit", "wall_time_limit"}),
]


@pytest.fixture(scope="module")
def small():
    with Server(config={"max_running": RUNNING, "max_queued": QUEUED, "pool": 4}) as running:
        yield running


def rss_kb(server):
    found = {}
    for name in ("glimpsed", "glimpse-boxd"):
        status = pathlib.Path(f"/proc/{server.pid_of(name)}/status").read_text()
        found[name] = int(status.split("VmRSS:")[1].split()[0])
    return found


class Storm:
    """All clients begin together; each comes back after it was refused until it is served."""

    def __init__(self, server):
        self.server = server
        self.barrier = threading.Barrier(CLIENTS)
        self.deadline = time.monotonic() + DEADLINE_S
        self.refused_s, self.served_s, self.faults = [], [], []

    def _ask(self, session, request):
        """The result, once it is served."""
        while True:
            started = time.monotonic()
            answer = session.post(self.server.url + "/v1/run", json=request, timeout=DEADLINE_S)
            took = time.monotonic() - started
            if answer.status_code not in (429, 503):
                self.served_s.append(took)
                assert answer.status_code == 200, answer.text
                return answer.json()
            self.refused_s.append(took)
            assert int(answer.headers["Retry-After"]) >= 1
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert time.monotonic() < self.deadline, "never served"
            time.sleep(int(answer.headers["Retry-After"]) * random.uniform(1, 2))

    def client(self, i):
        code, limits, statuses = KINDS[i % len(KINDS)]
        nonce = f"{i}-{random.randrange(1 << 60):x}"
        limits = {"wall_time_ms": WALL_MS, "memory_bytes": 64 * MIB, **limits}
        with requests.Session() as session:
            session.get(self.server.url + "/healthz", timeout=DEADLINE_S)  # connected: now all at the same moment
            self.barrier.wait(60)
            result = self._ask(session, {"language": "bash", "code": code.format(n=nonce), "limits": {"run": limits}})
        if result["status"] not in statuses:
            self.faults.append((i, statuses, result["status"], result["message"]))
        lines = result["stages"]["run"]["stdout"].split("\n")
        # The last line of a flood is cut.
        if lines[0] != nonce or any(line != nonce for line in lines[:-1]) or not nonce.startswith(lines[-1]):
            self.faults.append((i, "got another's output, or none", lines[:3]))

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            for _ in pool.map(self.client, range(CLIENTS)):
                pass
        assert not self.faults, self.faults[:5]


def time_healthy(server):
    started = time.monotonic()
    answer = server.run(HEALTHY)
    assert answer["stages"]["run"]["stdout"] == "healthy\n"
    return time.monotonic() - started


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def test_a_storm(small):
    idle_s = statistics.median(time_healthy(small) for _ in range(30))
    memory = [rss_kb(small)]
    storms = []
    for _ in range(2):
        storms.append(Storm(small))
        storms[-1].run()
        memory.append(rss_kb(small))
    refused, served = ([t for storm in storms for t in getattr(storm, name)] for name in ("refused_s", "served_s"))
    print(f"idle {idle_s * 1000:.0f} ms; served {len(served)}, median {statistics.median(served) * 1000:.0f} ms, "
          f"p99 {percentile(served, 0.99) * 1000:.0f} ms; refused {len(refused)}, "
          f"median {statistics.median(refused) * 1000:.0f} ms; memory in kB {memory}")
    assert len(refused) > CLIENTS // 4, "that was no overload"
    # At once: whoever is refused does not wait for others' programs.
    assert statistics.median(refused) < statistics.median(served)
    for name, kb in memory[1].items():
        assert memory[2][name] - kb < GROWTH_KB, f"{name} grew from {kb} to {memory[2][name]} kB"


def test_a_healthy_job_waits_no_longer_than_the_queue_is(small):
    """Behind a full queue of programs that use up their time, p99 is what the queue costs, and a few of its own time."""
    idle_s = statistics.median(time_healthy(small) for _ in range(30))
    over = threading.Event()

    def fill():
        while not over.is_set():
            small.try_run({"language": "bash", "code": "sleep 30", "limits": {"run": {"wall_time_ms": 200}}})

    with concurrent.futures.ThreadPoolExecutor(QUEUED // 2) as pool:
        for _ in range(QUEUED // 2):  # which is a caller's share
            pool.submit(fill)
        try:
            waited = [time_healthy(small) for _ in range(8)]
        finally:
            over.set()
    turn_s = 0.2 + 3 * idle_s  # of one program that has a place, with its box
    bound_s = (QUEUED / RUNNING + 1) * turn_s * 3
    print(f"idle {idle_s * 1000:.0f} ms, behind a queue p99 {percentile(waited, 0.99) * 1000:.0f} ms, bound {bound_s * 1000:.0f} ms")
    assert percentile(waited, 0.99) < bound_s
    assert statistics.median(time_healthy(small) for _ in range(30)) < 5 * idle_s + 0.05, "it does not recover"
