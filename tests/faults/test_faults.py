"""
Every system call that boxd, its zygote and a box in the making do fails once (strace's fault injection): a job gets
internal_error with a reason, or is served all the same, then all works as before and nothing is left.
"""
import collections
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest

from glimpse_server import Server, comm

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="strace, which injects the faults, is not installed")

POOL = 2
HELLO = {"language": "bash", "code": "echo hi"}
RECOVERY_S = 20
# What the kernel says when it has no more of it; ENOMEM for all else.
ERRORS = collections.defaultdict(lambda: "ENOMEM", {
    "openat": "EMFILE", "open": "EMFILE", "pipe2": "EMFILE", "socketpair": "EMFILE", "recvmsg": "EMFILE", "accept4": "EMFILE",
    "dup3": "EMFILE", "pidfd_open": "EMFILE", "mkdir": "ENOSPC", "mkdirat": "ENOSPC", "write": "ENOSPC", "mount": "ENOSPC",
    "epoll_ctl": "ENOSPC", "clone3": "EAGAIN", "clone": "EAGAIN", "rmdir": "EBUSY", "unlinkat": "EBUSY", "umount2": "EBUSY",
    "sendmsg": "ENOBUFS", "setresuid": "EAGAIN", "setgroups": "EPERM", "prctl": "EPERM", "capset": "EPERM", "seccomp": "EINVAL",
})
# Calls that do not fail. strace pretends a failure by leaving the call out; a close(2) that reports one has closed all the same.
NEVER_FAIL = {"close", "munmap", "exit_group", "rt_sigreturn", "restart_syscall", "getpid", "getppid", "gettid", "getuid", "brk"}


@pytest.fixture(scope="module")
def faulty():
    with Server(config={"pool": POOL, "warm": 0, "max_running": 2}) as running:
        yield running


def boxd_of(server):
    return server.pid_of("glimpse-boxd")


def zygote_of(server):
    return next(pid for pid in server.children(boxd_of(server)) if comm(pid) == "glimpse-zygote")


def is_dead(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def inits(server):
    """Living ones. A process that strace watches dies for strace first, and its pidfd is readable before boxd can reap it: a
    zombie that only exists because of the test, until boxd ends."""
    return [pid for pid in server.children(boxd_of(server)) if comm(pid) == "glimpse-init" and not is_dead(pid)]


class Strace:
    """Attached when it says so, until the end of the block."""

    def __init__(self, pid, options):
        self.process = subprocess.Popen(["strace", "-p", str(pid), *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        assert "attached" in line, line

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.communicate(timeout=3)
        except subprocess.TimeoutExpired:  # it waits for an init that waits for a dead child, which strace has yet to reap
            self.process.kill()
            self.process.communicate()


def calls_in(text):
    return set(re.findall(r"^(?:\d+ +)?(\w+)\(", text, re.MULTILINE)) - NEVER_FAIL


def traced_calls(server, pid, folder, follow):
    """The calls of pid, or (follow) of the boxes that it clones, up to the moment when init begins (the last step of src/box/setup.c),
    and of its programs up to theirs."""
    log = folder / "log"
    with Strace(pid, ["-ff", "-o", str(log)] if follow else ["-o", str(log)]):
        for _ in range(2 * POOL + 2):
            assert server.try_run(HELLO)["status"] == "ok"
        time.sleep(0.3)
    if not follow:
        return calls_in(log.read_text())
    calls = set()
    for file in folder.glob("log.*"):
        if file.suffix != f".{pid}":
            calls |= calls_in(re.split(r'^execve|^prctl\(PR_SET_NAME, "glimpse-init"', file.read_text(), maxsplit=1, flags=re.MULTILINE)[0])
    return calls


def works(server):
    answer = server.try_run(HELLO)
    return answer is not None and answer.get("status") == "ok" and answer["stages"]["run"]["stdout"] == "hi\n"


def groups(server):
    """Folders of this instance's cgroups, found from a box's."""
    count = 0
    for line in pathlib.Path(f"/proc/{inits(server)[0]}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for name in controllers.split(",") if controllers else ["", "unified"]:
            folder = pathlib.Path("/sys/fs/cgroup") / name / path.lstrip("/")
            if "/glimpse-" in path and folder.is_dir():
                count += sum(1 for entry in folder.parent.iterdir() if entry.is_dir())
    assert count > 0, "the boxes are in no cgroup of their own"
    return count


def census(server):
    """What must be the same as before; of boxd only while it is the same process."""
    boxd = boxd_of(server)
    return {"boxes": len(inits(server)), "groups": groups(server), "descriptors": (boxd, len(os.listdir(f"/proc/{boxd}/fd"))),
            "mounts": len([line for line in pathlib.Path("/proc/mounts").read_text().splitlines() if str(server.folder) in line])}


def same(before, now):
    if before["descriptors"][0] != now["descriptors"][0]:
        before, now = ({**each, "descriptors": None} for each in (before, now))
    return before == now


def settled(server):
    """The census of a full pool at rest."""
    last = why = None
    deadline = time.monotonic() + RECOVERY_S
    while time.monotonic() < deadline:
        try:
            now = census(server)
        except (AssertionError, StopIteration, IndexError, OSError) as e:  # boxd or its zygote is on its way back
            now, why = None, repr(e)
        if now is not None and now == last and now["boxes"] == POOL:
            return now
        if now is not None and now["boxes"] > POOL:  # made for jobs that another box has served by now: idle, for the next ones
            works(server)
        last = now
        time.sleep(0.1)
    raise AssertionError(f"does not come to rest: {last} {why}\n{server.log_text()[-2000:]}")


def inject(server, before, pid, options, call):
    """One call fails; returns what the jobs meanwhile got."""
    answers = []
    with Strace(pid, [*options, "-e", f"trace={call}", "-e", f"inject={call}:error={ERRORS[call]}:when=1"]):
        for _ in range(POOL + 1):
            answers.append(server.try_run({**HELLO, "limits": {"run": {"wall_time_ms": 4000}}}))
    for answer in answers:
        assert answer is not None, f"{call}: no answer"
        if answer.get("status") == "internal_error":
            assert answer["message"], f"{call}: internal_error without a reason"
        else:
            assert answer.get("status") in ("ok", 503), f"{call}: {answer}"
    deadline = time.monotonic() + RECOVERY_S
    while not works(server):
        assert time.monotonic() < deadline, f"{call}: no recovery\n{server.log_text()[-2000:]}"
        time.sleep(0.1)
    after = settled(server)
    assert same(before, after), f"{call}: {before} before, {after} after"
    return [answer.get("status") for answer in answers]


@pytest.mark.parametrize("who", ["boxd", "zygote", "box"])
def test_every_call_fails_once(faulty, tmp_path, who):
    find = boxd_of if who == "boxd" else zygote_of
    calls = sorted(traced_calls(faulty, find(faulty), tmp_path, who == "box"))
    assert len(calls) >= 3, calls
    outcomes = collections.Counter()
    for call in calls:
        statuses = inject(faulty, settled(faulty), find(faulty), ["-f"] if who == "box" else [], call)
        outcomes.update(str(status) for status in statuses)
    print(f"{who}: {len(calls)} calls ({' '.join(calls)}), answers {dict(outcomes)}")
