"""Whatever dies at whatever moment: nothing is left behind, and the others recover by themselves."""
import concurrent.futures
import os
import pathlib
import random
import re
import signal
import subprocess
import time

import pytest

from glimpse_server import BUILD, SLOWNESS, Server, children, comm, descendants, wait_until

HELLO = {"language": "python", "code": "print('hi')"}
SLEEP = {"language": "bash", "code": "echo so far; sleep 20"}


class Tree:
    """The processes of one server, found from its supervisor down: never by name alone."""

    def __init__(self, server):
        self.root = server.pid

    def _children_named(self, pid, wanted):
        return [p for p in children(pid) if comm(p) == wanted]

    def glimpsed(self):
        return self._children_named(self.root, "glimpsed")[0]

    def boxd(self):
        return self._children_named(self.root, "glimpse-boxd")[0]

    def zygote(self):
        return self._children_named(self.boxd(), "glimpse-zygote")[0]

    def inits(self):
        return self._children_named(self.boxd(), "glimpse-init")

    def interpreter(self):
        """The zygote that boxes get their Python from."""
        return self._children_named(self.boxd(), "python3")[0]

    def waiting(self):
        """The interpreters that were forked into idle boxes."""
        return [p for init in self.inits() for p in self._children_named(init, "python3")]

    def busy_init(self):
        """The init of a box whose program runs: SLEEP's shell has a child, which waiting interpreters have not."""
        deadline = time.monotonic() + 10 * SLOWNESS
        while time.monotonic() < deadline:
            busy = [p for p in self.inits() if any(children(child) for child in children(p))]
            if busy:
                return busy[0]
            time.sleep(0.01)
        raise AssertionError("no program is running")


def instance(server):
    """The name of its cgroups: FNV-1a of boxd's socket path (src/boxd/main.c). Others may run on this machine."""
    value = 0xcbf29ce484222325
    for byte in str(server.data / "run" / "boxd.sock").encode():
        value = (value ^ byte) * 0x100000001b3 % (1 << 64)
    return f"{value:016x}"


def traces(server):
    """What it may leave on the host: cgroups, mounts, temporary files, processes with a box's uid."""
    # os.walk(), and not glob(): groups come and go meanwhile, and it passes over what has gone.
    found = {os.path.join(folder, name) for folder, names, _ in os.walk("/sys/fs/cgroup") for name in names
             if name == f"glimpse-{instance(server)}"}
    found |= {line for line in pathlib.Path("/proc/mounts").read_text().splitlines() if str(server.folder) in line}
    if server.folder.exists():
        found.add(str(server.folder))
    # The uid range is free for another boxd as soon as this one has ended.
    bases = [] if server.process.poll() is not None else [int(base) for base in re.findall(r"uids from (\d+)", server.log_text())]
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            uid = int(re.search(r"^Uid:\s+(\d+)", status.read_text(), re.MULTILINE).group(1))
        except (OSError, AttributeError):
            continue
        if any(base <= uid < base + 8192 for base in bases):
            found.add(f"process {status.parent.name} of uid {uid}")
    return found


def works(server):
    try:
        return server.run(HELLO)["stages"]["run"]["stdout"] == "hi\n"
    except Exception:  # the server may be between two lives: refused, reset, 503
        return False


@pytest.fixture()
def own_server():
    """A server of its own for each test: it gets killed in pieces."""
    server = Server()
    server.start()
    try:
        yield server
    finally:
        pids = [server.pid] + descendants(server.pid)
        server.stop()
        gone = wait_until(lambda: not any(os.path.exists(f"/proc/{p}") for p in pids))
    assert gone, "processes outlive their server"
    assert wait_until(lambda: not traces(server), 3), traces(server)


@pytest.mark.parametrize("victim", ["glimpsed", "boxd", "zygote", "interpreter", "busy_init"])
def test_sigkill_while_a_program_runs(own_server, victim):
    tree = Tree(own_server)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(own_server.try_run, SLEEP)
        box = tree.busy_init()
        os.kill(getattr(tree, victim)(), signal.SIGKILL)
        if victim not in ("zygote", "interpreter"):  # a zygote's death does not touch the boxes that it made
            assert wait_until(lambda: not os.path.exists(f"/proc/{box}")), "the box outlives its owner"
            answer = running.result(timeout=30)
            if victim in ("boxd", "busy_init"):
                assert answer["status"] == "internal_error", answer
        else:
            assert works(own_server)
            assert os.path.exists(f"/proc/{box}")
            os.kill(box, signal.SIGKILL)
            running.result(timeout=30)
    assert wait_until(lambda: works(own_server)), f"no recovery after {victim} was killed"


def test_idle_boxes_are_replaced(own_server):
    tree = Tree(own_server)
    assert wait_until(lambda: len(tree.inits()) > 0)
    for pid in tree.inits():
        os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: works(own_server))
    assert wait_until(lambda: len(tree.inits()) > 0)


def test_interpreters_are_replaced(own_server):
    """Python runs without them meanwhile, in a fresh one: never an error."""
    tree = Tree(own_server)
    python = {"language": "python", "code": "import sys; print('argparse' in sys.modules)"}
    warm = lambda: own_server.run(python)["stages"]["run"]["stdout"] == "True\n"
    assert wait_until(warm)
    for victim in (tree.interpreter, lambda: tree.waiting()[0], tree.interpreter):
        assert wait_until(lambda: tree.waiting())
        os.kill(victim(), signal.SIGKILL)
        time.sleep(0.1 * SLOWNESS)  # dead, not dying: a job that it had got already would be killed, and say so
        for _ in range(8):
            assert own_server.run(python)["status"] == "ok"
        assert wait_until(warm)


def test_kills_at_random_moments(own_server):
    """Under a steady load every part is killed several times; afterwards all slots work again."""
    dice = random.Random(7)
    tree = Tree(own_server)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        stop = time.monotonic() + 12

        def load():
            while time.monotonic() < stop:
                own_server.try_run(HELLO)

        loads = [pool.submit(load) for _ in range(4)]
        while time.monotonic() < stop - 2:
            time.sleep(dice.uniform(0.05, 0.8))
            try:
                victims = [tree.glimpsed, tree.boxd, tree.zygote, tree.interpreter, lambda: dice.choice(tree.inits()),
                           lambda: dice.choice(tree.waiting())]
                os.kill(dice.choice(victims)(), signal.SIGKILL)
            except (IndexError, ProcessLookupError):
                pass  # it is just being started again
        for one in loads:
            one.result(timeout=60)
    assert wait_until(lambda: works(own_server), 30)
    # On all slots; where everything takes ten times as long, on fewer, and with more time, since it runs while one waits for a CPU.
    patient = {**HELLO, "limits": {"run": {"wall_time_ms": 60000}}}
    with concurrent.futures.ThreadPoolExecutor(max(4, 16 // SLOWNESS)) as pool:
        answers = list(pool.map(lambda _: own_server.run(patient)["status"], range(48)))
    assert answers == ["ok"] * 48


def test_sigterm_drains(own_server):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(own_server.run, {"language": "bash", "code": "sleep 2; echo done"})
        Tree(own_server).busy_init()
        os.kill(own_server.pid, signal.SIGTERM)
        assert running.result(timeout=20)["stages"]["run"]["stdout"] == "done\n"
    assert own_server.wait(timeout=20) == 0


def test_client_that_hangs_up_ends_its_run(own_server):
    import json
    import socket
    body = json.dumps(SLEEP).encode()
    tree = Tree(own_server)
    with socket.create_connection((own_server.host, own_server.port)) as sock:
        sock.sendall(b"POST /v1/run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        box = tree.busy_init()
    assert wait_until(lambda: not os.path.exists(f"/proc/{box}"), 5), "the run goes on for nobody"


def test_a_restart_removes_what_a_killed_server_left(own_server):
    tree = Tree(own_server)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(own_server.try_run, SLEEP)
        tree.busy_init()
        pids = [own_server.pid] + descendants(own_server.pid)
        for pid in pids:  # everything at once, the supervisor first
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        running.result(timeout=30)
    own_server.wait(timeout=10)
    assert wait_until(lambda: not any(os.path.exists(f"/proc/{p}") for p in pids))
    own_server.start()
    assert wait_until(lambda: works(own_server))


def test_a_second_boxd_of_one_folder_is_refused(own_server):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(own_server.run, {"language": "bash", "code": "sleep 1; echo done"})
        Tree(own_server).busy_init()
        second = subprocess.run([BUILD / "glimpse-boxd", "--data", own_server.data], capture_output=True, text=True, timeout=20)
        assert second.returncode != 0 and "already runs" in second.stderr, second
        assert running.result(timeout=20)["stages"]["run"]["stdout"] == "done\n"
    assert works(own_server)
