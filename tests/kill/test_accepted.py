"""What was accepted by POST /v1/submissions comes to its end, whatever is killed at whatever moment."""
import concurrent.futures
import contextlib
import os
import random
import signal
import sqlite3
import threading
import time

import requests

from glimpse_server import SLOWNESS, wait_until
from test_kill import SLEEP, Tree, own_server  # noqa: F401 (own_server is a fixture)

WAIT_SECONDS = 300
DEATHS = 15  # as many as in ten seconds, where nothing slows them


def submit(server, request, key):
    """Until it is accepted, as a careful client does it; the server may be between two lives."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            answer = server.post("/v1/submissions", request, headers={"Idempotency-Key": key}, timeout=10)
            if answer.status_code in (200, 202):
                return answer.json()["id"]
            assert answer.status_code in (500, 503), answer.text
        time.sleep(0.05)
    raise AssertionError("never accepted")


def end_of(server, id_):
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            answer = server.get(f"/v1/submissions/{id_}?wait=20", timeout=40)
            assert answer.status_code != 404, f"{id_} is lost"
            if answer.status_code == 200 and answer.json()["status"] not in ("queued", "running"):
                return answer.json()
        time.sleep(0.05)
    raise AssertionError(f"{id_} never ends")


def attempts(server):
    with contextlib.closing(sqlite3.connect(f"file:{server.data}/glimpse.db?mode=ro", uri=True)) as db:
        return dict(db.execute("SELECT id, attempts FROM submissions"))


def test_sigkill_of_glimpsed_while_one_runs(own_server):  # noqa: F811
    tree = Tree(own_server)
    id_ = submit(own_server, {**SLEEP, "code": "echo $RANDOM$RANDOM; sleep 3; echo ended"}, "one")
    tree.busy_init()
    os.kill(tree.glimpsed(), signal.SIGKILL)
    done = end_of(own_server, id_)
    assert done["status"] == "ok" and done["stages"]["run"]["stdout"].endswith("\nended\n")
    assert attempts(own_server)[id_] == 2


def test_a_program_that_runs_at_each_death_ends_with_an_internal_error(own_server):  # noqa: F811
    id_ = submit(own_server, SLEEP, "one")
    for _ in range(2):
        tree = Tree(own_server)
        tree.busy_init()
        glimpsed = tree.glimpsed()
        os.kill(glimpsed, signal.SIGKILL)
        assert wait_until(lambda: not os.path.exists(f"/proc/{glimpsed}"))
        assert wait_until(lambda: tree._children_named(own_server.pid, "glimpsed"))
    done = end_of(own_server, id_)
    assert done["status"] == "internal_error" and "twice" in done["message"]
    assert attempts(own_server)[id_] == 2


def test_sigkill_of_boxd_is_not_the_programs_fault(own_server):  # noqa: F811
    tree = Tree(own_server)
    id_ = submit(own_server, {**SLEEP, "code": "sleep 2; echo ended"}, "one")
    tree.busy_init()
    os.kill(tree.boxd(), signal.SIGKILL)
    done = end_of(own_server, id_)
    assert (done["status"], done["stages"]["run"]["stdout"]) == ("ok", "ended\n")


def test_kills_at_random_moments_lose_nothing(own_server):  # noqa: F811
    dice = random.Random(11)
    tree = Tree(own_server)
    stop = threading.Event()

    def load(worker):
        ids, i = {}, 0
        while not stop.is_set():
            word = f"{worker}-{i}"
            ids[submit(own_server, {"language": "bash", "code": f"sleep 0.1; echo {word}"}, word)] = word
            i += 1
            time.sleep(0.1 * SLOWNESS)  # no faster than they run, or the rest of the test is to wait for them
        return ids

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        loads = [pool.submit(load, worker) for worker in range(6)]
        try:
            for _ in range(DEATHS):
                time.sleep(dice.uniform(0.1, 1.2) * max(1, SLOWNESS / 2))
                with contextlib.suppress(IndexError, ProcessLookupError):  # it is just being started again
                    os.kill(dice.choice([tree.glimpsed, tree.glimpsed, tree.boxd, lambda: dice.choice(tree.inits())])(), signal.SIGKILL)
        finally:
            stop.set()
        accepted = {}
        for one in loads:
            accepted.update(one.result(timeout=WAIT_SECONDS + 30))
    assert len(accepted) > 30
    counts = {}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for id_, done in zip(accepted, pool.map(lambda one: end_of(own_server, one), accepted)):
            counts[done["status"]] = counts.get(done["status"], 0) + 1
            if done["status"] == "ok":
                assert done["stages"]["run"]["stdout"] == accepted[id_] + "\n"
            else:
                assert done["status"] == "internal_error" and done["message"], done
    times = attempts(own_server)
    assert set(accepted) == set(times), "there is what nobody sent, or was accepted twice"
    assert max(times.values()) <= 2
    assert counts["ok"] > len(accepted) / 2, counts
