"""A Glimpse of our own to measure, and what /proc says about its processes."""
import contextlib
import os
import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from glimpse_server import Server  # noqa: E402

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
INIT = "glimpse-init"


def read(pid, name):
    try:
        return pathlib.Path(f"/proc/{pid}/{name}").read_text()
    except OSError:  # it has ended
        return ""


def own_cpu_us(pid):
    """Of all threads that it has now: the scheduler's clock, finer than the ticks of /proc/PID/stat."""
    total = 0
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            total += int((read(pid, f"task/{task}/schedstat") or "0").split()[0])
    return total / 1000


def reaped_cpu_us(pid):
    """Of its children that have ended and been waited for, with theirs."""
    fields = read(pid, "stat").rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) * TICK_S * 1e6 if fields else 0


def machine_busy_us():
    """Of all CPUs since the machine was started: everything but idle, waiting for disks, and what the hypervisor took."""
    fields = [int(word) for word in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:7])) * TICK_S * 1e6


def memory_kb(*pids):
    """{"pss", "private_dirty", "rss"} of these together. Processes that share one memory (an interpreter's and its keeper's) show the very same
    figures, address of the first page included: they count once."""
    texts = {read(pid, "smaps_rollup") for pid in pids}
    return {name: sum(int(kb) for text in texts for kb in re.findall(rf"^{key}:\s+(\d+) kB", text, re.MULTILINE))
            for name, key in (("pss", "Pss"), ("private_dirty", "Private_Dirty"), ("rss", "Rss"))}


def cgroup_bytes(pid):
    """What the memory controller charges to its group; None where that can't be read."""
    for line in read(pid, "cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        for base, name in (("/sys/fs/cgroup/memory", "memory.usage_in_bytes"), ("/sys/fs/cgroup", "memory.current")):
            file = pathlib.Path(base + path) / name
            if "memory" in controllers.split(",") or not controllers:
                with contextlib.suppress(OSError):
                    return int(file.read_text())
    return None


class Service(Server):
    def __init__(self, config=None, build=None):
        super().__init__(config={"warm_costly": "asked", **(config or {})}, build=build)

    def start(self):
        super().start()
        self.glimpsed = self.pid_of("glimpsed")
        self.boxd = self.pid_of("glimpse-boxd")
        self.languages = {language["id"]: language for language in self.get("/v1/languages").json()["languages"]}
        return self

    @property
    def boxd_socket(self):
        return str(self.data / "run" / "boxd.sock")

    def boxes(self):
        """Pids of the init of each box that is alive."""
        return [pid for pid in self.children(self.boxd) if read(pid, "comm").strip() == INIT]

    def zygotes(self):
        return [pid for pid in self.children(self.boxd) if read(pid, "comm").strip() != INIT]

    def workers(self, box):
        """Pids of what waits in a box besides its init."""
        return self.children(box)

    def cpu(self):
        """CPU time in microseconds since the start: of the two daemons' own, and of everything, boxes with all that was made ahead
        for them included. A box counts once it is gone."""
        glimpsed, boxd = own_cpu_us(self.glimpsed), own_cpu_us(self.boxd)
        rest = reaped_cpu_us(self.boxd) + sum(own_cpu_us(pid) + reaped_cpu_us(pid) for pid in self.zygotes())
        return {"glimpsed": glimpsed, "boxd": boxd, "daemons": glimpsed + boxd, "all": glimpsed + boxd + rest}

    def ask_for(self, languages, most_s=180):
        """Some interpreters are booted when they are asked for (`warm_costly`): waits until all of these languages' are, where they can be."""
        for language in languages:
            self.run({"language": language, "files": [self.languages[language]["hello"]]})
        deadline = time.monotonic() + most_s
        booting = re.compile(rf'glimpse_pool_ready{{language="({"|".join(languages)})",stage="\w+"}} 0')
        while booting.search(self.get("/metrics").text) and time.monotonic() < deadline:
            time.sleep(0.1)

    def settle(self, most_s=5):
        """Waits until the pool is as full as it gets: the number of processes stands still."""
        deadline, before, since = time.monotonic() + most_s, None, time.monotonic()
        while time.monotonic() < deadline:
            now = [self.zygotes(), sorted((box, tuple(self.workers(box))) for box in self.boxes())]
            if now != before:
                before, since = now, time.monotonic()
            elif time.monotonic() - since > 0.3:
                return
            time.sleep(0.05)
