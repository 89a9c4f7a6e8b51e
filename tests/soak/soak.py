#!/usr/bin/env python3
"""
A long mix of good and hostile jobs: soak.py [SECONDS]. The service ends with the descriptors, mounts, cgroups, processes and
kilobytes that it began with. Prints both; exit status 1 where they differ. `script/test --soak` runs it.
"""
import concurrent.futures
import os
import pathlib
import random
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from glimpse_server import Server, descendants, idle_boxes, is_keeper  # noqa: E402

POOL = 4
WARM = 2  # for each language whose interpreter is forked
IDLE = idle_boxes(POOL, WARM)
CLIENTS = 6
WARM_UP_S = 20  # caches and arenas of the daemons fill
GROWTH_KB = 4 << 10  # per daemon: what the allocator keeps differs by a little from one end to the other
MIB = 1 << 20
SMALL = {"wall_time_ms": 3000, "cpu_time_ms": 1000, "memory_bytes": 64 * MIB, "processes": 32, "output_bytes": 65536,
         "box_bytes": 4 * MIB}

JOBS = [  # language, program, statuses that are right
    ("python", "print(sum(range(1000)))", {"ok"}),
    ("bash", "echo hi; exit 3", {"runtime_error"}),
    ("c", "#include <stdio.h>\nint main(void) { puts(\"hi\"); }", {"ok"}),
    ("c", "int main(void) { return *(volatile int *)0; }", {"signaled"}),
    ("c", "int main(void) { oops }", {"compile_error"}),
    ("bash", ":(){ :|:& };:", {"process_limit", "wall_time_limit", "cpu_time_limit", "memory_limit", "ok", "runtime_error",
                               "output_limit"}),
    ("python", "x = []\nwhile True: x.append(bytearray(1 << 20))", {"memory_limit"}),
    ("bash", "yes", {"output_limit"}),
    ("bash", "while :; do :; done", {"cpu_time_limit", "wall_time_limit"}),
    ("bash", "cat /dev/zero > x", {"disk_limit"}),
    ("python", "import os\nfor i in range(20000): open(str(i), 'w')", {"ok", "runtime_error", "disk_limit", "memory_limit",
                                                                        "cpu_time_limit"}),
    ("bash", "setsid sleep 100 & sleep 100 & disown; echo hi", {"ok"}),
    ("python", "import os, signal\nos.kill(-1, signal.SIGKILL)", {"ok", "signaled", "runtime_error"}),
    ("python", "import os, tempfile\nwhile True:\n  os.mkdir('d'); os.chdir('d')", {"runtime_error", "disk_limit", "memory_limit",
                                                                                   "cpu_time_limit"}),
]

BUSY = {"wall_time_limit"}  # a machine with more to do than it can: the program had no time for what it wanted


def status_field(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return line.split()[1]
    return "0"


def count_groups(pid):
    """Groups beside that of the box pid, in all hierarchies."""
    count = 0
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for name in controllers.split(",") if controllers else ["", "unified"]:
            folder = pathlib.Path("/sys/fs/cgroup") / name / path.lstrip("/")
            if "/glimpse-" in path and folder.is_dir():
                count += sum(1 for entry in folder.parent.iterdir() if entry.is_dir())
    return count


def census(server):
    daemons = {name: server.pid_of(name) for name in ("glimpsed", "glimpse-boxd")}
    inits = [pid for pid in server.children(daemons["glimpse-boxd"])
             if pathlib.Path(f"/proc/{pid}/comm").read_text() == "glimpse-init\n"]
    return {
        "pids": daemons,
        # An interpreter that was forked in a hurry has no keeper.
        "processes": sum(not is_keeper(pid) for pid in descendants(server.pid)),
        "boxes": len(inits),
        "cgroups": count_groups(inits[0]),
        "mounts": len(pathlib.Path("/proc/mounts").read_text().splitlines()),
        "fds": {name: server.n_descriptors(pid) for name, pid in daemons.items()},
        "kB": {name: int(status_field(pid, "VmRSS")) for name, pid in daemons.items()},
    }


def at_rest(server):
    """The census once all that was made for the last jobs is gone."""
    for _ in range(100):
        time.sleep(0.2)
        try:
            now = census(server)
        except (OSError, IndexError):  # a box went away while it was looked at
            continue
        if now["boxes"] == IDLE:
            return now
        if now["boxes"] > IDLE:
            server.try_run({"language": "bash", "code": "true"})
    raise AssertionError("the service does not come to rest")


def load(server, until, dice, counts, faults):
    while time.monotonic() < until:
        language, code, right = dice.choice(JOBS)
        answer = server.post("/v1/run", {"language": language, "code": code, "limits": {"run": SMALL}})
        status = answer.json()["status"]
        counts[status] = counts.get(status, 0) + 1
        if status not in right | BUSY:
            faults.append((language, code, status))


def run_for(server, seconds):
    counts, faults = {}, []
    until = time.monotonic() + seconds
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        for client in [pool.submit(load, server, until, random.Random(i), counts, faults) for i in range(CLIENTS)]:
            client.result()
    return counts, faults


def differences(before, after):
    found = [f"{name}: {before[name]} at first, {after[name]} at last"
             for name in ("pids", "processes", "boxes", "cgroups", "mounts", "fds") if before[name] != after[name]]
    for name, kb in before["kB"].items():
        if after["kB"][name] - kb > GROWTH_KB:
            found.append(f"memory of {name}: {kb} kB at first, {after['kB'][name]} kB at last")
    return found


def time_hello(server):
    started = time.monotonic()
    server.run({"language": "bash", "code": "echo hi"})
    return time.monotonic() - started


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600
    with Server(config={"pool": POOL, "warm": WARM, "warm_max": WARM, "warm_costly": "never", "max_running": 4}) as server:
        run_for(server, min(WARM_UP_S, seconds / 4))
        before, before_s = at_rest(server), statistics.median(time_hello(server) for _ in range(20))
        counts, faults = run_for(server, seconds)
        after, after_s = at_rest(server), statistics.median(time_hello(server) for _ in range(20))
        print(f"{sum(counts.values())} jobs in {seconds:.0f} s: {counts}")
        print(f"first: {before}\nlast:  {after}\nhello: {before_s * 1000:.1f} ms at first, {after_s * 1000:.1f} ms at last")
    problems = differences(before, after)
    if faults:
        problems.append(f"{len(faults)} wrong answers, like {faults[0]}")
    print("\n".join(problems) or "as it began")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
