"""Every system call, by every ABI of the machine, from inside a box: allowed_syscalls.txt is what gets through.

A change of that list shows in review. To write it anew after one that is meant: GLIMPSE_WRITE_SYSCALLS=1.
"""
import ctypes
import errno
import os
import pathlib
import platform
import re
import signal

import pytest

HERE = pathlib.Path(__file__).resolve().parent
LIST = HERE / "allowed_syscalls.txt"
NUMBERS = pathlib.Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
LIMITS = {"wall_time_ms": 60000, "cpu_time_ms": 60000, "memory_bytes": 128 << 20, "processes": 16}
NEWER_NAMES = {335: "uretprobe", 336: "uprobe", 452: "fchmodat2", 462: "mseal"}  # than Debian 12's headers
REFUSALS = {errno.EPERM, errno.ENOSYS}
# Calls that no caller may make, and that a filter answers with success instead (src/box/seccomp.c). syncfs(-1) shows it: EBADF is
# what a kernel says.
PRETENDED = {162: "sync", 306: "syncfs"}
pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the list of numbers is x86-64's")


@pytest.fixture(scope="module")
def answers(server, oracle):
    """ABI -> number -> 0, an errno, or minus the signal that it died of."""
    with oracle.guard():
        answer = server.run({"language": "c", "code": (HERE / "syscalls.c").read_text(), "limits": {"run": LIMITS}})
    assert answer["status"] == "ok", answer["stages"]
    found = {}
    for line in answer["stages"]["run"]["stdout"].splitlines():
        abi, nr, result = line.split()
        found.setdefault(abi, {})[int(nr)] = int(result)
    return found


def names():
    known = dict(NEWER_NAMES)
    if NUMBERS.exists():
        known |= {int(nr): name for name, nr in re.findall(r"#define __NR_(\w+) (\d+)", NUMBERS.read_text())}
    return known


def kernel_has(nr):
    """Asked of this machine, outside a box; only for calls of the list, all without effect on others when given -1."""
    child = os.fork()
    if child == 0:
        signal.alarm(1)
        libc = ctypes.CDLL(None, use_errno=True)
        libc.syscall(ctypes.c_long(nr), *[ctypes.c_long(-1)] * 6)
        os._exit(0 if ctypes.get_errno() == errno.ENOSYS else 1)
    return os.waitpid(child, 0)[1] != 0


def test_list_is_what_gets_through(answers):
    allowed = {nr for nr, result in answers["native"].items() if result not in REFUSALS and nr not in PRETENDED}
    if os.environ.get("GLIMPSE_WRITE_SYSCALLS"):
        LIST.write_text("# x86-64's system calls that a program in a box can make, with some arguments at least; see test_syscalls.py\n"
                        + "".join(f"{nr} {names().get(nr, '?')}\n" for nr in sorted(allowed)))
    listed = {int(line.split()[0]) for line in LIST.read_text().splitlines() if not line.startswith("#")}
    assert not allowed - listed, f"these get through now: {[(nr, names().get(nr)) for nr in sorted(allowed - listed)]}"
    gone = [nr for nr in sorted(listed - allowed) if kernel_has(nr)]
    assert not gone, f"these are refused now: {[(nr, names().get(nr)) for nr in gone]}"


def test_pretended_calls_do_nothing(answers):
    assert {answers["native"][nr] for nr in PRETENDED} == {0}


def test_nothing_kills(answers):
    """A refusal is an errno, so that runtimes that probe go on."""
    assert -signal.SIGSYS not in answers["native"].values()


@pytest.mark.parametrize("abi", ["x32", "i386"])
def test_other_abis_are_closed(answers, abi):
    """By the filter, or by a kernel that has none of it: then int 0x80 is an illegal instruction."""
    others = {result for result in answers[abi].values()}
    assert len(answers[abi]) == 600 and others <= {errno.ENOSYS, -signal.SIGSYS, -signal.SIGSEGV, -signal.SIGILL}, others
