"""`glimpse serve` as PID 1, as it is in a container: there is nobody else to reap what has lost its parent, and the init of a box
that has a zombie in it never ends."""
import os
import pathlib
import random
import signal
import time

import pytest

from glimpse_server import SLOWNESS, Server, descendants, wait_until
from test_kill import Tree, traces, works

PID_1 = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


class Container(Server):
    """Its process is unshare's; serve_pid() is what the one there knows as 1."""

    def __init__(self):
        super().__init__(wrapper=PID_1)

    def serve_pid(self):
        return self.children()[0]

    def end(self):
        """As an engine stops a container: a signal to its PID 1. What the log says of it."""
        os.kill(self.serve_pid(), signal.SIGTERM)
        assert self.wait(30 * SLOWNESS) == 0, self.log_text()
        return self.log_text()


@pytest.fixture()
def container():
    server = Container()
    try:
        yield server.start()
        server.end()
    finally:
        server.stop()
    assert wait_until(lambda: not traces(server), 3), traces(server)


class ContainerTree(Tree):
    def __init__(self, server):
        self.root = server.serve_pid()


def zombies(pid):
    out = []
    for child in descendants(pid):
        try:
            stat = pathlib.Path(f"/proc/{child}/stat").read_text()
        except OSError:
            continue
        if stat.rpartition(")")[2].split()[0] == "Z":
            out.append(stat)
    return out


def test_what_is_killed_is_reaped(container):
    tree = ContainerTree(container)
    for victim in (tree.boxd, tree.interpreter, tree.zygote, tree.boxd):
        assert wait_until(lambda: works(container) and tree.waiting())
        os.kill(victim(), signal.SIGKILL)
    assert wait_until(lambda: works(container))
    assert wait_until(lambda: not zombies(tree.root)), zombies(tree.root)


def test_stops_at_any_moment_leave_nothing(container):
    """While interpreters are just being forked into boxes, too."""
    dice = random.Random(3)
    for _ in range(max(2, 10 // SLOWNESS)):
        tree = ContainerTree(container)
        assert wait_until(tree.waiting)
        os.kill(tree.interpreter(), signal.SIGKILL)
        time.sleep(dice.uniform(0, 0.4))
        assert "did not end in time" not in container.end()
        assert not [trace for trace in traces(container) if "cgroup" in trace]
        container.start()
