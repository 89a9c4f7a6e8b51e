"""What is measured, part by part. Each takes a Setting, says what it is doing, and returns plain data for the JSON."""
import contextlib
import dataclasses
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

import clock
from commands import environment
from programs import HOME, ROOT, Bench, programs_of
from service import Service, cgroup_bytes, machine_busy_us, memory_kb

PAUSE_MS = 20  # between two runs, at least: what is made for the next one is not part of this one
PAUSE_MOST_MS = 500
PAUSE_PART = 0.3  # of the slowest case: a runtime that takes long to start also takes long to be started ahead
LEAST = 5  # rounds, of the slowest too
WARM_UPS = 2  # rounds that are not counted: they fill the page cache
CONNECTIONS = 512  # of an open loop: more than may run and wait, so that whoever is turned away has a connection
PEAK_CLIENTS = 64  # of the closed loops before and after it


# What the same service is without: what these columns show more than "boxed" is what that is worth.
VARIANTS = {
    "cold": {"warm": 0},  # boxes are made ahead, interpreters are not
    "unprepared": {"warm": 0, "pool": 0},  # nothing is
}


@dataclasses.dataclass
class Setting:
    languages: list
    programs: list  # of latency; empty: all
    rounds: int  # at most, of each program
    budget_s: float  # for each program: slow ones get fewer rounds
    seconds: float  # of each closed loop
    clients: list
    overload_s: float
    failures: list  # sentences, of what is left out
    services: dict  # name -> Service: "boxed", those of VARIANTS, and "before" with --compare
    say: callable

    @property
    def boxed(self):
        return self.services["boxed"]


def check(figures, what):
    """All runs of `what` did what the bare program does. Figures of wrong answers are worth nothing."""
    bad = [run for run in figures if not run.good]
    if bad:
        raise clock.Failed(f"{what}: {len(bad)} of {len(figures)} runs printed something else than the bare program, or failed")


def each(setting, what, items, measure):
    """measure(item) of each, without those that failed: half an hour's figures are not thrown away for one."""
    rows = []
    for item in items:
        name = item if isinstance(item, str) else item.id
        setting.say(f"{what}: {name}")
        try:
            rows.append(measure(item))
        except (clock.Failed, AssertionError) as error:  # AssertionError: a server did not start
            setting.failures.append(f"{what}, {name}: {error}")
            setting.say(f"!!! {setting.failures[-1]}")
    return rows


@contextlib.contextmanager
def bench_of(program, folders=0, compiled=False):
    """Knows what the program prints; that it prints the same again, each run shows."""
    with Bench(program) as once:
        program.stdout = once.run_once()
    with Bench(program, folders, compiled) as bench:
        yield bench


def hello_of(language):
    return programs_of(language)[0]


# --- Latency: one client, bare and boxed in turns ---

def paced_rounds(setting, cases):
    """As many rounds as the budget is good for, as one that is tried says. The runs of each case, without those of the rounds to warm up."""
    tried = clock.rounds(cases, 1, PAUSE_MS)
    pause_ms = min(PAUSE_MOST_MS, max(PAUSE_MS, PAUSE_PART * max(run.took for run in tried.runs) / 1000))
    round_s = sum(run.took / 1e6 + pause_ms / 1000 for run in tried.runs)
    n = max(min(LEAST, setting.rounds), min(setting.rounds, int(setting.budget_s / round_s)))
    figures = clock.rounds(cases, n + WARM_UPS, pause_ms)
    return [figures.of(i)[WARM_UPS:] for i in range(len(cases))]


def stages(runs):
    return {"compile": clock.summary([run.compile for run in runs if run.compile]), "run": clock.summary([run.run for run in runs])}


def latency_of(setting, program):
    with bench_of(program) as bench:
        request = bench.request()
        cases = {"bare": bench.case()}
        cases |= {name: clock.run_case(service.port, request, program.stdout) for name, service in setting.services.items()
                  if name != "unprepared" or program.name == "hello"}
        figures = paced_rounds(setting, list(cases.values()))
    row = {"language": program.language, "program": program.name}
    for name, runs in zip(cases, figures):
        check(runs, f"{program.id} {name}")
        row[name] = {**clock.summary([run.took for run in runs]), "stages": stages(runs),
                     "cpu_ms": round(statistics.median(run.cpu for run in runs) / 1000, 3)}
    return row


def latency(setting):
    programs = [program for language in setting.languages for program in programs_of(language)
                if not setting.programs or program.name in setting.programs]
    return each(setting, "latency", programs, lambda program: latency_of(setting, program))


# --- Throughput: closed loops ---

def loop_row(figures, runs, machine_us):
    """What a loop came to. What was under way when its time was over was waited for, and so was the clock."""
    return {"runs": len(runs), "per_s": round(len(runs) / figures.seconds, 1), **clock.summary([run.took for run in runs]),
            "cpu_us": round(statistics.fmean(run.cpu for run in runs), 1),
            "machine_us": round((machine_us - figures.client_cpu_us) / len(runs), 1),
            "client_us": round(figures.client_cpu_us / len(runs), 1)}


def boxed_loop(service, case, clients, seconds, what):
    clock.closed_loop(case, clients, seconds / 4)  # not counted: what was made ahead is used up, and caches are filled
    cpu, machine_us = service.cpu(), machine_busy_us()
    figures = clock.closed_loop(case, clients, seconds)
    machine_us = machine_busy_us() - machine_us
    used = {name: us - cpu[name] for name, us in service.cpu().items()}
    check(figures.runs, what)
    row = loop_row(figures, figures.runs, machine_us)
    return row | {f"{name}_us": round(us / len(figures.runs), 1) for name, us in used.items()}


def bare_loop(case, clients, seconds, what):
    clock.closed_loop(case, clients, seconds / 4)
    machine_us = machine_busy_us()
    figures = clock.closed_loop(case, clients, seconds)
    machine_us = machine_busy_us() - machine_us
    check(figures.runs, what)
    return loop_row(figures, figures.runs, machine_us)


def throughput_of(setting, program):
    rows = []
    with bench_of(program, folders=max(setting.clients)) as bench:
        for clients in setting.clients:
            if rows and clients * rows[0]["bare"]["p50"] / 1000 / os.cpu_count() > 3 * setting.seconds:
                break  # a bare loop would hardly come round once, and may need more memory than there is
            row = {"clients": clients, "bare": bare_loop(bench.case(), clients, setting.seconds, f"{program.id} bare")}
            for name, service in setting.services.items():
                if name not in VARIANTS:
                    case = clock.run_case(service.port, bench.request(), program.stdout)
                    row[name] = boxed_loop(service, case, clients, setting.seconds, f"{program.id} {name}")
            rows.append(row)
    return {"language": program.language, "program": program.name, "points": rows}


def throughput(setting):
    return each(setting, "throughput", map(hello_of, setting.languages), lambda program: throughput_of(setting, program))


# --- Memory of what waits ---

@contextlib.contextmanager
def languages_folder(language):
    """A folder with this language only, as boxd wants it: nobody else can write it."""
    with tempfile.TemporaryDirectory(prefix="glimpse-bench-") as folder:
        path = pathlib.Path(folder)
        path.chmod(0o755)
        shutil.copytree(ROOT / "languages" / language, path / language)
        yield path


def memory_of(language, n):
    """Per box: of init and of what waits in it. shared: of the zygotes, once."""
    with languages_folder(language) as folder, Service(config={"languages_dir": folder, "warm": n, "warm_max": n, "pool": n}) as service:
        service.settle(20)
        boxes = {box: service.workers(box) for box in service.boxes()}
        kinds = {kind: [box for box, workers in boxes.items() if bool(workers) == (kind == "warm")] for kind in ("plain", "warm")}
        row = {"language": language, "zygotes": memory_kb(*service.zygotes())}
        for kind, inits in kinds.items():
            memory = [memory_kb(box, *boxes[box]) for box in inits]
            groups = [bytes_ for box in inits if (bytes_ := cgroup_bytes((boxes[box] or [box])[0])) is not None]
            row[kind] = {"n": len(inits), "cgroup": round(statistics.fmean(groups) / 1024) if groups else None,
                         **{name: round(statistics.fmean(part[name] for part in memory)) for name in memory[0]}} if inits else None
    return row


def memory(setting):
    warm = [language for language in setting.languages if "[warm" in (ROOT / "languages" / language / "language.ini").read_text()]
    return each(setting, "memory", warm, lambda language: memory_of(language, 4))


# --- Overload: twice the peak, whether it can be served or not ---

def daemons_kb(service):
    return {name: memory_kb(getattr(service, name))["rss"] for name in ("glimpsed", "boxd")}


class Sampler(threading.Thread):
    """Memory of the daemons, once a second."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.samples, self.over = service, [], threading.Event()
        self.started = time.monotonic()

    def run(self):
        while not self.over.wait(max(0, self.started + len(self.samples) - time.monotonic())):
            self.samples.append({"s": round(time.monotonic() - self.started, 2),
                                 **{f"{name}_kb": kb for name, kb in daemons_kb(self.service).items()}})

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception):
        self.over.set()
        self.join()


def second_by_second(runs, seconds):
    rows = [{"s": s, "arrived": 0, "served": 0, "refused": 0, "took": []} for s in range(int(seconds) + 1)]
    for run in runs:
        done_s = int((run.at + run.took) / 1e6)
        if run.at / 1e6 < len(rows):
            rows[int(run.at / 1e6)]["arrived"] += 1
        if done_s < len(rows):
            rows[done_s]["served" if run.status == 200 else "refused"] += 1
            if run.status == 200:
                rows[done_s]["took"].append(run.took)
    for row in rows:
        took = row.pop("took")
        row |= {"p50_ms": clock.quantile([us / 1000 for us in took], .5), "p99_ms": clock.quantile([us / 1000 for us in took], .99)}
    return rows[:int(seconds)] or rows


def overload_of(setting, program):
    service, seconds = setting.boxed, setting.overload_s

    def peak():
        return boxed_loop(service, case, PEAK_CLIENTS, seconds / 4, f"{program.id}, its peak")["per_s"]

    with bench_of(program) as bench:
        case = clock.run_case(service.port, bench.request(), program.stdout)
        before = peak()
        rate = 2 * before
        before_kb = daemons_kb(service)
        with Sampler(service) as sampler:
            figures = clock.open_loop(case, rate, CONNECTIONS, seconds)
        service.settle()
        after_kb = daemons_kb(service)
        after = peak()  # what a machine can do changes by the minute
    served = [run for run in figures.runs if run.status == 200]
    check(served, f"{program.id} overloaded")
    inside = [run for run in served if run.at + run.took <= seconds * 1e6]
    refused = [run for run in figures.runs if run.status in (429, 503)]
    return {"language": program.language, "program": program.name, "seconds": seconds,
            "peaks_per_s": [before, after], "peak_per_s": round((before + after) / 2, 1), "rate_per_s": round(rate, 1),
            "arrived": len(figures.runs), "due": math.ceil(rate * seconds), "served": len(served), "refused": len(refused),
            "other": len(figures.runs) - len(served) - len(refused), "per_s": round(len(inside) / seconds, 1),
            "took": clock.summary([run.took for run in served]), "refused_took": clock.summary([run.took for run in refused]),
            "queued": clock.summary([max(0, run.took - run.compile - run.run) for run in served]),
            "before_kb": before_kb, "after_kb": after_kb, "memory": sampler.samples,
            "client_cpu": round(figures.client_cpu_us / figures.seconds / 1e6, 3),
            "timeline": second_by_second(figures.runs, seconds)}


def overload(setting):
    """Of Python's hello, or the first language's."""
    language = "python" if "python" in setting.languages else setting.languages[0]
    return next(iter(each(setting, "overload", [hello_of(language)], lambda program: overload_of(setting, program))), None)


# --- The judge: one program, many inputs ---

INPUTS = 100


def with_number(code):
    """Never seen before. Of languages that are compiled, whose comments all begin like this."""
    return f"{code.rstrip()}\n// {time.time_ns()}\n"


def inputs_of(text, n):
    """Different ones: each leaves out other lines."""
    lines = text.splitlines(keepends=True)
    return ["".join(line for at, line in enumerate(lines) if (at * 7 + i) % n >= i % 3 + 1) for i in range(n)]


def affordable_inputs(setting, bench):
    """All, where the second request of the same program finds it compiled; otherwise as many as the budget is good for."""
    request = bench.request() | {"code": with_number(bench.program.code)}
    second = clock.rounds([clock.run_case(setting.boxed.port, request, bench.program.stdout)], 2, PAUSE_MS).runs[1]
    return INPUTS if second.cached else max(LEAST, min(INPUTS, int(setting.budget_s * 1e6 / second.took)))


def judge_of(setting, program):
    with bench_of(program, compiled=True) as bench:
        compiled = clock.rounds([bench.case()], 1, 0).runs[0]
        check([compiled], f"{program.id} bare")
        n = affordable_inputs(setting, bench)
        inputs, folder = inputs_of(program.stdin, n), bench.folder
        cases = []
        for i, text in enumerate(inputs):
            (path := folder / f"input.{i}").write_text(text)
            bare = bench.case(steps=bench.steps[-1:], input_path=path, stdout="")
            cases.append((bare, path, text))
        outputs = bare_outputs(bench, [path for _, path, _ in cases])
        code = bench.request() | {"code": with_number(program.code)}
        plan = []
        for (bare, _, text), output in zip(cases, outputs):
            plan += [bare | {"expect": output}, clock.run_case(setting.boxed.port, code | {"stdin": text}, output)]
        figures = clock.rounds(plan, 1, 5)
    bare, boxed = ([run for run in figures.runs if run.case % 2 == kind] for kind in (0, 1))
    check(bare + boxed, f"{program.id}, judged")
    return {"language": program.language, "program": program.name, "inputs": n, "cached": sum(run.cached for run in boxed),
            "bare_compile_ms": compiled.compile / 1000, "bare_total_ms": (compiled.compile + sum(run.took for run in bare)) / 1000,
            "boxed_total_ms": sum(run.took for run in boxed) / 1000, "boxed_first_ms": boxed[0].took / 1000,
            "bare_run": clock.summary([run.took for run in bare]), "boxed_rest": clock.summary([run.took for run in boxed[1:]])}


def bare_outputs(bench, paths):
    found = []
    for path in paths:
        with open(path) as stdin:
            found.append(subprocess.run(bench.steps[-1], stdin=stdin, stdout=subprocess.PIPE, text=True, cwd=bench.folders[0],
                                        env=environment(HOME.name), timeout=60).stdout)  # what it makes of the input is seen again
    return found


def judge(setting):
    compiled = [language for language in setting.languages if len(setting.boxed.languages[language]["stages"]) == 2]
    programs = [program for language in compiled for program in programs_of(language) if program.name == "typical"]
    return each(setting, f"judge, {INPUTS} inputs", programs, lambda program: judge_of(setting, program))


# --- Breakdown: where the time of one request goes ---

def breakdown_of(setting, program):
    """Each step is timed from outside, alone, in the same rounds; nothing in the product is slowed for it."""
    service = setting.boxed
    language = service.languages[program.language]
    limits = list(language["default_limits"]["run"].values())  # in the order of struct limits, as the API's table has them
    with bench_of(program) as bench:
        request = bench.request()
        cases = [clock.http(service.port, None, '"status":"ok"', "/healthz", method="GET"),
                 clock.http(service.port, request | {"language": "no-such-one"}, '"status":422', status=422),
                 {"kind": "lease", "path": service.boxd_socket, "language": program.language, "stage": 1, "limits": limits},
                 clock.run_case(service.port, request, program.stdout),
                 bench.case()]
        runs = paced_rounds(setting, cases)
    check([run for case in runs for run in case], f"{program.id}, broken down")
    health, refused, lease, whole, bare = (statistics.median(run.took for run in case) / 1000 for case in runs)
    compiling, running = (statistics.median(getattr(run, stage) for run in runs[3]) / 1000 for stage in ("compile", "run"))
    n_stages = len(language["stages"])
    parts = {"http": health, "request": refused - health, "lease": lease * n_stages, "compile": compiling, "run": running}
    parts["rest"] = whole - sum(parts.values())
    return {"language": program.language, "program": program.name, "n": len(runs[0]),
            "whole_ms": round(whole, 4), "bare_ms": round(bare, 4),
            "cpu_ms": round(statistics.median(run.cpu for run in runs[3]) / 1000, 4),
            "parts_ms": {name: round(ms, 4) for name, ms in parts.items()}}


def breakdown(setting):
    return each(setting, "breakdown", map(hello_of, setting.languages), lambda program: breakdown_of(setting, program))


# --- The client itself ---

def client(setting):
    """What the clock costs: a request that the server hardly works for, and the smallest bare start."""
    setting.say("the client's own cost")
    case = clock.http(setting.boxed.port, None, '"status":"ok"', "/healthz", method="GET")
    figures = clock.closed_loop(case, 8, min(setting.seconds, 2))
    return {"healthz_per_s": round(len(figures.runs) / figures.seconds), "client_us": round(figures.client_cpu_us / len(figures.runs), 2)}
