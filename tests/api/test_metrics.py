"""GET /metrics: what it counts is what happened."""
import concurrent.futures
import os
import re
import signal
import socket
import time

import pytest
import requests

import metrics_page
from glimpse_server import ROOT, Server


@pytest.fixture(scope="module")
def own():
    """A server whose figures nobody else changes."""
    with Server() as running:
        yield running


def read_until(server, wanted):
    """A page for which wanted() holds: what is counted at the end of an answer may come a moment after it."""
    for _ in range(100):
        page = metrics_page.read(server)
        if wanted(page):
            return page
        time.sleep(0.05)
    raise AssertionError(page.text)


def phase(page, name):
    return page.value("glimpse_run_phase_seconds_count", phase=name)


def test_a_page_of_a_new_server(own):
    page = metrics_page.read(own)
    assert page.value("glimpse_build_info", version=own.get("/healthz").json()["version"]) == 1
    languages = {one["id"] for one in own.get("/v1/languages").json()["languages"]}
    assert {labels["language"] for labels, _ in page.all("glimpse_runs_total")} == languages
    assert page.value("glimpse_boxd_up") == 1
    assert page.value("glimpse_queue_length") == page.value("glimpse_queue_oldest_seconds") == 0
    assert page.value("glimpse_running_max") >= 4
    assert 0 < page.value("process_resident_memory_bytes") < 1 << 30
    assert 0 < page.value("process_open_fds") < page.value("process_max_fds")
    assert abs(page.value("process_start_time_seconds") - time.time()) < 600


def test_open_files_are_counted(own):
    before = metrics_page.read(own).value("process_open_fds")
    socks = [socket.create_connection((own.host, own.port)) for _ in range(20)]
    page = read_until(own, lambda page: page.value("glimpse_http_connections") >= 21)
    assert page.value("process_open_fds") >= before + 19 # each scrape has a connection of its own
    for sock in socks:
        sock.close()
    read_until(own, lambda page: page.value("glimpse_http_connections") <= 2)


def test_runs_are_counted_by_language_and_status(own):
    before = metrics_page.read(own)
    own.run({"language": "python", "code": "print(1)"})
    own.run({"language": "py", "code": "raise SystemExit(3)"})
    own.run({"language": "python", "code": "while True: pass", "limits": {"run": {"cpu_time_ms": 300}}})
    own.post("/execute", {"code": "print(2)"})
    after = metrics_page.read(own)
    grown = {key: value - before.samples.get(key, 0) for key, value in after.samples.items()
             if key[0] == "glimpse_runs_total" and value != before.samples.get(key, 0)}
    assert grown == {("glimpse_runs_total", (("language", "python"), ("status", status))): n
                     for status, n in {"ok": 2, "runtime_error": 1, "cpu_time_limit": 1}.items()}
    for name, n in {"queue": 4, "lease": 4, "compile": 0, "run": 4, "total": 4}.items():
        assert phase(after, name) - phase(before, name) == n, name
    cpu = [page.value("glimpse_program_cpu_seconds_total", language="python") for page in (before, after)]
    assert cpu[1] - cpu[0] >= 0.3


def test_phases_and_the_cache(own):
    before = metrics_page.read(own)
    for _ in range(2):
        own.run({"language": "c", "code": "int main(void) { return 0; } // metrics"})
    after = metrics_page.read(own)
    # The second one is not compiled, and so is leased one box.
    for name, n in {"queue": 2, "lease": 3, "compile": 1, "run": 2, "total": 2}.items():
        assert phase(after, name) - phase(before, name) == n, name
    assert after.value("glimpse_artifact_cache_hits_total") - before.value("glimpse_artifact_cache_hits_total") == 1
    assert after.value("glimpse_artifact_cache_misses_total") > before.value("glimpse_artifact_cache_misses_total")
    assert after.value("glimpse_artifact_cache_entries") >= 1
    assert 0 < after.value("glimpse_artifact_cache_bytes") <= after.value("glimpse_artifact_cache_bytes_max")


def test_requests_by_route_and_status(own, problem):
    def n(page, **labels):
        return page.value("glimpse_http_requests_total", **labels)

    before = metrics_page.read(own)
    problem(own.post("/v1/run", {"language": "python"}), 422, "code")
    problem(own.get("/nothing/here"), 404)
    problem(own.post("/nothing/there", {}), 404)
    own.post("/run/python", {"code": "print(1)"})
    with socket.create_connection((own.host, own.port)) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: nonsense\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 400")
    with socket.create_connection((own.host, own.port)) as sock: # the client leaves
        body = b'{"language": "python", "code": "import time; time.sleep(20)"}'
        sock.sendall(b"POST /v1/run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                     % (len(body), body))
        time.sleep(0.5)
    run = {"method": "POST", "route": "/v1/run"}
    after = read_until(own, lambda page: n(page, **run, status="499") > n(before, **run, status="499"))
    none = {"method": "", "route": ""}
    assert n(after, **run, status="422") - n(before, **run, status="422") == 1
    assert n(after, **none, status="404") - n(before, **none, status="404") == 2
    assert n(after, **none, status="400") - n(before, **none, status="400") == 1
    assert n(after, method="POST", route="/run/{lang}", status="200") == 1
    # Nothing that a client sent has become a label.
    assert "nothing" not in after.text


def test_the_queue_and_what_is_refused():
    with Server({"max_running": 1, "max_queued": 1}) as server:
        started = [server_socket(server) for _ in range(2)]
        page = read_until(server, lambda page: page.value("glimpse_queue_length") == 1)
        assert page.value("glimpse_running") == page.value("glimpse_running_max") == 1
        assert page.value("glimpse_queue_length_max") == 1
        page = read_until(server, lambda page: page.value("glimpse_queue_oldest_seconds") > 0.1)
        assert page.value("glimpse_queue_oldest_seconds") < 600
        assert server.post("/v1/run", {"language": "python", "code": "1"}).status_code == 503
        assert server.post("/v1/run", {"language": "cobol", "code": "1"}).status_code == 422
        page = metrics_page.read(server)
        assert page.value("glimpse_rejections_total", reason="queue_full") == 1
        assert page.value("glimpse_rejections_total", reason="language") == 1
        for sock in started:
            sock.close()
        page = read_until(server, lambda page: page.value("glimpse_runs_total", language="python", status="cancelled") == 2)
        assert page.value("glimpse_queue_oldest_seconds") == 0


def server_socket(server):
    """A run that sleeps, and whoever waits for it."""
    sock = socket.create_connection((server.host, server.port))
    body = b'{"language": "python", "code": "import time; time.sleep(50)", "limits": {"run": {"wall_time_ms": 60000}}}'
    sock.sendall(b"POST /v1/run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                 % (len(body), body))
    return sock


@pytest.mark.parametrize("header", ["X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "Via: 1.1 proxy"])
def test_not_for_who_comes_by_a_proxy(server, problem, header):
    name, _, value = header.partition(": ")
    problem(server.get("/metrics", headers={name: value}), 403)


def pool(page, name, language, stage, **more):
    return page.value(f"glimpse_pool_{name}", language=language, stage=stage, **more)


def test_the_pool(own):
    page = read_until(own, lambda page: pool(page, "boxes", "python", "run", state="idle") >= 2)
    assert pool(page, "ready", "python", "run") == pool(page, "ready", "any", "any") == 1
    assert pool(page, "target_boxes", "python", "run") >= 2
    assert pool(page, "idle_bytes", "python", "run") > 1 << 19
    before = [pool(page, name, language, stage) for name in ("hits_total", "misses_total")
              for language, stage in (("python", "run"), ("any", "any"))]
    own.run({"language": "python", "code": "print(1)"})
    own.run({"language": "c", "code": "int main(void) { return 7; } // the pool"})
    page = metrics_page.read(own)
    after = [pool(page, name, language, stage) for name in ("hits_total", "misses_total")
             for language, stage in (("python", "run"), ("any", "any"))]
    # C's compiler and the program have a plain box each; under load they may find none ready.
    assert [after[0] + after[2] - before[0] - before[2], after[1] + after[3] - before[1] - before[3]] == [1, 2]
    assert page.value("glimpse_slots_empty") < page.value("glimpse_slots")
    assert page.value("glimpse_boxd_resident_memory_bytes") > 1 << 20
    assert page.value("glimpse_boxd_cpu_seconds_total") > 0
    assert 10 < page.value("glimpse_boxd_open_fds") < 10000


def test_many_read_at_once(own):
    with concurrent.futures.ThreadPoolExecutor(20) as threads:
        pages = list(threads.map(lambda _: metrics_page.read(own), range(60)))
    assert all(page.value("glimpse_pool_ready", language="any", stage="any") == 1 for page in pages)


def test_boxd_does_not_answer():
    """The rest is shown all the same."""
    with Server() as server:
        boxd = server.pid_of("glimpse-boxd")
        os.kill(boxd, signal.SIGSTOP)
        try:
            page = metrics_page.read(server)
            assert page.value("glimpse_boxd_up") == 1 and page.all("glimpse_pool_boxes") == []
        finally:
            os.kill(boxd, signal.SIGCONT)
        read_until(server, lambda page: page.all("glimpse_pool_boxes"))
        os.kill(boxd, signal.SIGKILL)
        read_until(server, lambda page: page.value("glimpse_boxd_up") == 0 and page.all("glimpse_pool_boxes") == [])
        read_until(server, lambda page: page.value("glimpse_boxd_up") == 1 and page.all("glimpse_pool_boxes"))


def test_for_whom_the_operator_names(problem):
    """Behind a trusted proxy it is the client that counts."""
    with Server({"metrics_allow": "192.0.2.0/24 2001:db8::1", "trusted_proxies": "127.0.0.1"}) as server:
        for client, status in {"192.0.2.7": 200, "2001:db8::1": 200, "198.51.100.1": 403, "2001:db8::2": 403,
                               "192.0.2.7, 198.51.100.1": 403}.items():
            assert server.get("/metrics", headers={"X-Forwarded-For": client}).status_code == status, client
        detail = problem(server.get("/metrics", headers={"X-Forwarded-For": "198.51.100.1"}), 403)
        assert "metrics_allow" in detail and "198.51.100.1" in detail


def test_submissions(own):
    for name in ("glimpse_submissions", "glimpse_store_waiting_bytes"):
        assert len(metrics_page.read(own).all(name)) == 2
    sent = own.post("/v1/submissions", {"language": "python", "code": "import time; time.sleep(30)"})
    assert sent.status_code == 202
    read_until(own, lambda page: page.value("glimpse_submissions", state="active") == 1)
    own_id = sent.json()["id"]
    assert f"job={own_id}" in own.log_text()
    assert requests.delete(own.url + "/v1/submissions/" + own_id, timeout=30).status_code < 300
    read_until(own, lambda page: page.value("glimpse_submissions", state="active") == 0)


def test_every_figure_is_described(own):
    text = (ROOT / "docs/operate.md").read_text()
    described = set(re.findall(r"^\| `((?:glimpse|process)_[a-z_]+)`", text, re.MULTILINE))
    page = metrics_page.read(own)
    shown = {family.name + ("_total" if family.type == "counter" else "") for family in page.families.values()}
    assert shown == described
