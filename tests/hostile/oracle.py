"""The general oracle of the hostile suite: how the host, the service and an innocent job must do around every attack."""
import collections
import contextlib
import os
import pathlib
import statistics
import threading
import time

import requests

import glimpse_server
from glimpse_server import SLOWNESS

CANARY = {"language": "python", "code": "print(sum(range(1, 10**6 + 1)))"}
CANARY_OUTPUT = "500000500000\n"
UIDS_PER_INSTANCE = 8192  # UIDS_PER_RANGE of src/boxd/uids.h

# Attacks burn every CPU of a machine that other tests share: these find a service that hangs or starves, not a slow one.
HEALTH_MEDIAN_S = 0.1 * SLOWNESS
HEALTH_MAX_S = 1.5 * SLOWNESS
CANARY_MAX_S = 6.0 * SLOWNESS
QUIET_S = 5.0 * SLOWNESS
BOXES_MEMORY_KB = 32 << 10
DAEMON_MEMORY_KB = 48 << 10


def read(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""


def status_field(pid, name):
    for line in read(f"/proc/{pid}/status").splitlines():
        if line.startswith(name + ":"):
            return line.split()[1]
    return "0"


class Watch(threading.Thread):
    """Asks for the service's health and runs canaries until it is stopped."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url = url
        self.over = threading.Event()
        self.health = []
        self.canaries = []
        self.faults = []

    def run(self):
        canary = threading.Thread(target=self._run_canaries, daemon=True)
        canary.start()
        while True:
            started = time.monotonic()
            try:
                if requests.get(self.url + "/healthz", timeout=5 * SLOWNESS).status_code != 200:
                    self.faults.append("/healthz is not 200")
            except requests.RequestException as e:
                self.faults.append(f"/healthz: {e}")
            self.health.append(time.monotonic() - started)
            if self.over.wait(0.1):
                break
        canary.join(20 * SLOWNESS)

    def _run_canaries(self):
        while True:
            started = time.monotonic()
            try:
                answer = requests.post(self.url + "/v1/run", json=CANARY, timeout=20 * SLOWNESS).json()
                if answer.get("status") != "ok" or answer["stages"]["run"]["stdout"] != CANARY_OUTPUT:
                    self.faults.append(f"the canary got {answer}")
            except (requests.RequestException, ValueError) as e:
                self.faults.append(f"the canary got no answer: {e}")
            self.canaries.append(time.monotonic() - started)
            if self.over.wait(0.2):
                return

    def check(self, load):
        assert not self.faults, self.faults
        if not load:  # the service's own limits were the target: waiting in its queue is right
            if len(self.health) >= 5:  # one alone tells of the machine's other load
                assert statistics.median(self.health) < HEALTH_MEDIAN_S, f"/healthz took {sorted(self.health)}"
            assert max(self.health) < HEALTH_MAX_S, f"/healthz took {max(self.health):.2f} s"
            assert max(self.canaries) < CANARY_MAX_S, f"the canary took {max(self.canaries):.2f} s"


def is_keeper(pid):
    with contextlib.suppress(OSError):
        return glimpse_server.is_keeper(pid)
    return False


class Oracle:
    def __init__(self, server, plain_boxes, warm_boxes):
        self.server = server
        self.idle_boxes = plain_boxes + warm_boxes
        self.warm_boxes = warm_boxes
        self.glimpsed = server.pid_of("glimpsed")
        self.boxd = server.pid_of("glimpse-boxd")
        self._wait_for_pool()
        inits = self.inits()
        uid = int(status_field(inits[0], "Uid"))
        self.uids = range(uid - uid % UIDS_PER_INSTANCE, uid - uid % UIDS_PER_INSTANCE + UIDS_PER_INSTANCE)
        self.groups = self._group_folders(inits[0])
        for _ in range(3):  # caches of the daemons fill, compilers are read from the disk
            server.run(CANARY)
        self.quiet = self._wait_until_quiet()

    # --- What is there ---

    def inits(self):
        return [pid for pid in self.server.children(self.boxd) if read(f"/proc/{pid}/comm") == "glimpse-init\n"]

    def waiting_processes(self):
        """Interpreters in idle boxes; what can't be forked is not ready before it has a keeper."""
        return [child for pid in self.inits() for child in self.server.children(pid)]

    def zygotes(self):
        return [pid for pid in self.server.children(self.boxd) if read(f"/proc/{pid}/comm") != "glimpse-init\n"]

    @staticmethod
    def _group_folders(init):
        """This instance's folder in every cgroup hierarchy, found from the group of one of its boxes."""
        folders = set()
        for line in read(f"/proc/{init}/cgroup").splitlines():
            _, controllers, path = line.split(":", 2)
            if "/glimpse-" not in path:
                continue
            for name in (controllers.split(",") if controllers else ["", "unified"]):
                folder = pathlib.Path("/sys/fs/cgroup") / name / path.lstrip("/")
                if folder.is_dir():
                    folders.add(folder.parent)
        assert folders, "the boxes are in no cgroup of their own"
        return sorted(folders)

    def _wait_for_pool(self):
        deadline = time.monotonic() + 10 * SLOWNESS
        while len(self.inits()) < self.idle_boxes and time.monotonic() < deadline:
            time.sleep(0.02)

    def _of_our_uids(self):
        found = []
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if (entry.stat().st_uid in self.uids or int(status_field(entry.name, "Uid")) in self.uids) and \
                            not self._is_of_another(int(entry.name)) and not self._is_strange_zombie(entry.name):
                        found.append(int(entry.name))
        return found

    def _is_strange_zombie(self, pid):
        """Of a server before this one, which had the same uids: its boxes are dead, and wait for the host's init to notice."""
        return status_field(pid, "State") == "Z" and int(status_field(pid, "PPid")) != self.boxd

    def _is_of_another(self, pid):
        """Below another server's boxd, which may be of a version with other ranges of uids."""
        while pid > 1 and pid != self.boxd:
            pid = int(status_field(pid, "PPid"))
            if pid != self.boxd and read(f"/proc/{pid}/comm") == "glimpse-boxd\n":
                return True
        return False

    def traces(self):
        """Everything that a job could have left, as text: two snapshots of a quiet service are equal."""
        found = set()
        inits = self.inits()
        waiting = self.waiting_processes()
        keepers = [pid for pid in waiting if is_keeper(pid)]  # an interpreter that was forked in a hurry has none
        names = collections.Counter(read(f"/proc/{pid}/comm").strip() for pid in waiting if pid not in keepers)
        found |= {f"{n} processes {name} in idle boxes" for name, n in names.items()}
        found |= {f"process {read(f'/proc/{pid}/comm').strip()} ({pid}) of a box" for pid in self._of_our_uids()
                  if pid not in inits and pid not in waiting}
        found.add(f"{len(inits)} boxes")
        for folder in self.groups:
            groups = [group for group in folder.iterdir() if group.is_dir()]
            processes = sum(len(read(group / "cgroup.procs").split()) for group in groups)
            found.add(f"{len(groups)} groups with {processes - len(keepers)} processes in {folder}")
        found |= {f"mount {line}" for line in read("/proc/self/mountinfo").splitlines()
                  if "glimpse" in line or "/box" in line or "hidepid" in line}
        for kind in ("shm", "sem", "msg"):
            found |= {f"{kind} {line}" for line in read(f"/proc/sysvipc/{kind}").splitlines()[1:]
                      if any(int(word) in self.uids for word in line.split() if word.isdigit())}
        found |= {f"keys of uid {line.split(':')[0]}" for line in read("/proc/key-users").splitlines()
                  if int(line.split(":")[0]) in self.uids}
        for folder in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock", self.server.folder, self.server.data):
            with contextlib.suppress(OSError):
                found |= {f"file {entry.path}" for entry in os.scandir(folder)
                          if entry.stat(follow_symlinks=False).st_uid in self.uids
                          or (str(folder).startswith(str(self.server.folder)) and ".db" not in entry.name)}
        for name, pid in [("glimpsed", self.glimpsed), ("boxd", self.boxd)] + [("zygote", z) for z in self.zygotes()]:
            with contextlib.suppress(OSError):
                found.add(f"{self.server.n_descriptors(pid)} descriptors of {name}")
        return found

    def memory(self):
        """Of the daemons, and what is charged to our folder of cgroups: memory of boxes that are gone, but left something, moves
        up to there. Not the host's free memory: other suites, and a whole guest, run beside this one."""
        charged = 0
        for folder in self.groups:  # total_rss on v1, anon on v2; files in memory are charged as well, and may stay
            charged += sum(int(line.split()[1]) for line in read(folder / "memory.stat").splitlines()
                           if line.split()[0] in ("total_rss", "anon", "total_shmem") or
                           line.startswith("shmem ") and (folder / "memory.current").exists())
        rss = {pid: int(status_field(pid, "VmRSS")) for pid in [self.glimpsed, self.boxd] + self.zygotes()}
        return {"boxes": charged >> 10, "rss": rss}

    # --- Checks ---

    def _all_are_ready(self):
        """An interpreter in each box that is to have one."""
        return sum(not is_keeper(pid) for pid in self.waiting_processes()) == self.warm_boxes

    def _wait_until_quiet(self):
        """The traces once they stay the same: boxes that were just made are still waking up."""
        last, same = None, 0
        deadline = time.monotonic() + QUIET_S
        while time.monotonic() < deadline:
            now = self.traces()
            same = same + 1 if now == last else 0
            if same >= 3 and len(self.inits()) == self.idle_boxes and self._all_are_ready():
                return now
            last = now
            time.sleep(0.03)
        raise AssertionError(f"the service does not come to rest: {last}")

    def check_traces(self):
        deadline = time.monotonic() + QUIET_S
        while True:
            now = self.traces()
            if now == self.quiet:
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"left behind: {sorted(now - self.quiet)}; gone: {sorted(self.quiet - now)}")
            time.sleep(0.02)

    def check_alive(self):
        assert self.server.pid_of("glimpsed") == self.glimpsed, "glimpsed is another process than before"
        assert self.server.pid_of("glimpse-boxd") == self.boxd, "boxd is another process than before"

    def check_memory(self, before):
        deadline = time.monotonic() + 20
        while True:
            now = self.memory()
            lost = now["boxes"] - before["boxes"]
            grown = max(now["rss"].get(pid, 0) - kb for pid, kb in before["rss"].items())
            if lost < BOXES_MEMORY_KB and grown < DAEMON_MEMORY_KB:
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"memory is gone: {before} before, {now} now (kB)")
            time.sleep(0.5)

    @contextlib.contextmanager
    def guard(self, load=False):
        self.check_traces()
        watch = Watch(self.server.url)
        watch.start()
        try:
            yield self
        finally:
            watch.over.set()
            watch.join(60 * SLOWNESS)
        watch.check(load)
        self.check_alive()
        self.check_traces()
