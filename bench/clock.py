"""glimpse-bench, the program that holds the clock: plans in, figures out."""
import dataclasses
import json
import os
import pathlib
import signal
import statistics
import subprocess
import tempfile

BUILD = pathlib.Path(os.environ.get("GLIMPSE_BUILD", pathlib.Path(__file__).resolve().parent.parent / "build")).resolve()


class Failed(Exception):
    """Something could not be measured, or came out wrong; what, in a sentence. The rest can go on."""


@dataclasses.dataclass
class Run:
    """One timed run; times in microseconds. See struct record in bench.h."""
    case: int
    at: int
    took: int
    status: int
    compile: int
    run: int
    cpu: int
    cached: bool
    good: bool


@dataclasses.dataclass
class Figures:
    runs: list
    seconds: float
    client_cpu_us: int

    def of(self, case):
        return [run for run in self.runs if run.case == case]


def http(port, body, expect, path="/v1/run", status=200, method="POST"):
    body = json.dumps(body) if body is not None else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return {"kind": "http", "port": port, "request": head + body, "expect": expect, "status": status}


def run_case(port, request, stdout):
    """POST /v1/run, whose answer must be that the program printed this."""
    return http(port, request, f'"stdout":{json.dumps(stdout, ensure_ascii=False)}')


def play(plan, timeout_s):
    """Runs a plan; its figures. Ended, with all that it has started, after timeout_s and whenever we are interrupted."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen([str(BUILD / "bench" / "glimpse-bench")], stdin=subprocess.PIPE, stdout=output,
                                   start_new_session=True, text=True)
        try:
            process.communicate(json.dumps(plan), timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise Failed(f"glimpse-bench was not done after {timeout_s:.0f} s") from None
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)  # it may be gone, a bare program of it not
            except ProcessLookupError:
                pass
            process.wait()
        if process.returncode != 0:
            raise Failed(f"glimpse-bench ended with {process.returncode}")
        output.seek(0)
        *lines, end = output.read().splitlines()
    runs = []
    for line in lines:
        fields = [int(word) for word in line.split()]
        runs.append(Run(*fields[:7], bool(fields[7]), bool(fields[8])))
    _, took_us, cpu_us = end.split()
    return Figures(runs, int(took_us) / 1e6, int(cpu_us))


def rounds(cases, n, pause_ms, timeout_s=1800):
    return play({"mode": "rounds", "rounds": n, "pause_us": int(pause_ms * 1000), "cases": cases}, timeout_s)


def closed_loop(case, clients, seconds):
    return play({"mode": "closed", "clients": clients, "seconds": seconds, "cases": [case]}, seconds + 120)


def open_loop(case, rate, connections, seconds):
    return play({"mode": "open", "clients": connections, "rate": rate, "seconds": seconds, "cases": [case]}, seconds + 120)


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))] if values else None


def summary(values_us):
    """Of times in microseconds, in ms."""
    if not values_us:
        return None
    return {"n": len(values_us), "p50": round(statistics.median(values_us) / 1000, 4), "p99": round(quantile(values_us, .99) / 1000, 4),
            "min": round(min(values_us) / 1000, 4), "mean": round(statistics.fmean(values_us) / 1000, 4)}
