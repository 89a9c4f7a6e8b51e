"""glimpsed while it serves: what the kernel says of its rights. What they keep it from is tests/unit/test_lockdown.c."""
import os
import pathlib
import re


def tasks(pid):
    """The status of each thread, as a dict."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        found.append(dict(re.findall(r"^(\w+):\t(.*)$", (task / "status").read_text(), re.MULTILINE)))
    return found


def test_no_thread_has_a_privilege(server):
    server.post("/submit", {"code": "print(1)"})  # the database's thread has worked
    threads = tasks(server.pid_of("glimpsed"))
    assert len(threads) > 1
    for thread in threads:
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(thread[name], 16) == 0, (name, thread)
        assert thread["NoNewPrivs"] == "1"
        assert thread["Seccomp"] == "2", "no filter"
        assert all(int(uid) > 0 for uid in thread["Uid"].split() + thread["Gid"].split())
        assert thread["Groups"].split() == []


def test_it_is_not_dumpable(server):
    """The kernel gives the /proc entries of such a process to root, so that its own user cannot look in."""
    pid = server.pid_of("glimpsed")
    assert pathlib.Path(f"/proc/{pid}/mem").stat().st_uid == 0


def test_it_runs_no_other_program(server):
    """But the courier, and the one that looked at the languages, which was forked before there was anything to hold: stdio, and its end of a socket."""
    pid = server.pid_of("glimpsed")
    children = [child for child in server.children(pid) if child != server.pid_of("glimpse-courier", pid)]
    assert len(children) == 1
    child = pathlib.Path(f"/proc/{children[0]}")
    assert (child / "comm").read_text() == "glimpsed\n" and server.children(children[0]) == []
    held = [os.readlink(fd) for fd in (child / "fd").iterdir() if int(fd.name) > 2]
    assert len(held) <= 2, held  # glimpsed's own /proc/self/statm is the other
    sockets = [link for link in held if link.startswith("socket:")]
    assert len(sockets) == 1
    # It is no socket that listens, and no connection: in no table of the network.
    inode = re.search(r"\d+", sockets[0])[0]
    for table in ("tcp", "tcp6"):
        assert inode not in [line.split()[9] for line in pathlib.Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]]
    for thread in tasks(children[0]):
        assert all(int(thread[name], 16) == 0 for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"))
        assert thread["NoNewPrivs"] == "1"


def test_the_database_works_under_lock(server):
    first = server.post("/submit", {"code": "print('a')"}).json()
    second = server.post("/submit", {"code": "print('b')"}).json()
    assert second["submission_id"] > first["submission_id"] > 0
    assert "no Landlock" not in server.log_text() or not pathlib.Path("/sys/kernel/security/landlock").exists()
