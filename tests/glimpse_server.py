"""A Glimpse of its own for tests: `glimpse serve` on a free port, with a data folder that goes away with it."""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("GLIMPSE_BUILD", ROOT / "build")).resolve()
START_SECONDS = 90  # compilers are asked for their versions, on a busy machine
STOP_SECONDS = 60
# In the User-Mode Linux guest (tests/vm) a system call or a page fault costs ten times as much; starting Python alone takes 0.4 s.
SLOWNESS = int(os.environ.get("GLIMPSE_TEST_SLOWNESS", "1"))


def idle_boxes(pool, warm, languages=ROOT / "languages"):
    """How many idle boxes a server keeps with these settings and `warm_costly = never`, all of whose languages are installed."""
    n = pool
    for path in languages.glob("*/language.ini"):
        text = path.read_text()
        n += (len(re.findall(r"(?m)^\[(compile\.)?warm\]$", text)) - len(re.findall(r"(?m)^costly = yes$", text))) * warm
    return n


def children(pid):
    found = []
    tasks = pathlib.Path(f"/proc/{pid}/task")
    with contextlib.suppress(OSError):  # it has ended
        for task in os.listdir(tasks):
            with contextlib.suppress(OSError):
                found += [int(child) for child in (tasks / task / "children").read_text().split()]
    return found


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child] + descendants(child)
    return found


def comm(pid):
    """The name of a process; "" where it has ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def is_keeper(pid):
    """Of the memory of an interpreter that waits (src/init/zygote_keeper.c): it may open nothing. OSError where it has gone."""
    return "Max open files            0 " in pathlib.Path(f"/proc/{pid}/limits").read_text()


def wait_until(what, seconds=15 * SLOWNESS):
    """True as soon as what() is, and False where it has not been for so long. Once is enough: lists of processes that come and go are not exact."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.05)
    return False


class Server:
    """start() and stop() may be called again and again; the data folder stays until the object is closed."""

    def __init__(self, config=None, environment=None, build=None, wrapper=()):
        """config: lines for a configuration file, as a dict. environment: added to our own. build: another build's folder. wrapper: words
        before `glimpse serve`, of a program that runs it.

        No JVMs are booted ahead unless config says so: that takes each server seconds of both CPUs, and few tests look at them.
        """
        config = {"warm_costly": "never", **(config or {})}
        # Not pytest's tmp_path: that is closed to all but root, and glimpsed is not root.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="glimpse-test-"))
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.build = build or BUILD
        self.environment = {**os.environ, **(environment or {})}
        self.wrapper = wrapper
        self.config = self.folder / "glimpse.ini"
        self.config.write_text("".join(f"{key} = {value}\n" for key, value in config.items()))
        self.process = None
        self.url = None

    # --- Life ---

    def start(self):
        command = [*self.wrapper, self.build / "glimpse", "serve", "--listen", "127.0.0.1:0", "--data", self.data, "--config", self.config]
        self._listening = threading.Event()
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=open(self.log, "ab"), env=self.environment, start_new_session=True)
        threading.Thread(target=self._read_stdout, args=(self.process.stdout,), daemon=True).start()
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log_text()}")
            if time.monotonic() > deadline:
                log = self.log_text()
                self.stop()
                raise AssertionError(f"the server is not ready after {START_SECONDS} s:\n{log}")
            time.sleep(0.05)
        return self

    def stop(self):
        """SIGTERM, then SIGKILL where that does not help; removes the data folder. The exit status of `serve`.

        Raises where a sanitizer has found something, or the log has a line that says so.
        """
        status = None
        if self.process is not None:
            if self.process.poll() is None:
                self.process.terminate()
            try:
                status = self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                status = self.process.wait()
        log = self.log_text()
        shutil.rmtree(self.folder, ignore_errors=True)
        assert not re.search("ERROR: (Address|Leak)Sanitizer|runtime error:", log), log
        return status

    def wait(self, timeout):
        """Waits for the end of `serve` by itself; its exit status."""
        return self.process.wait(timeout)

    def _read_stdout(self, pipe):
        # glimpsed says it anew when it is started again, and the port is another then.
        for line in pipe:
            found = re.search(rb"listening on (http://\S+)", line)
            if found:
                self.url = found.group(1).decode()
                self._listening.set()
        pipe.close()

    def _is_ready(self):
        if not self._listening.wait(0.05):
            return False
        try:
            return requests.get(self.url + "/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        assert self.stop() == 0

    # --- What tests ask of it ---

    @property
    def pid(self):
        return self.process.pid

    @property
    def host(self):
        return self.url.removeprefix("http://").rpartition(":")[0]

    @property
    def port(self):
        return int(self.url.rpartition(":")[2])

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def post(self, path, body, **options):
        """body: what json= takes, or bytes that are sent as they are (as application/json)."""
        options.setdefault("timeout", 60)
        if isinstance(body, bytes):
            options.setdefault("headers", {"Content-Type": "application/json"})
            return requests.post(self.url + path, data=body, **options)
        return requests.post(self.url + path, json=body, **options)

    def get(self, path, **options):
        options.setdefault("timeout", 60)
        return requests.get(self.url + path, **options)

    def request(self, method, path, **options):
        options.setdefault("timeout", 60)
        return requests.request(method, self.url + path, **options)

    def delete(self, path, **options):
        options.setdefault("timeout", 60)
        return requests.delete(self.url + path, **options)

    def run(self, request):
        """POST /v1/run; the answer, which must be 200."""
        answer = self.post("/v1/run", request)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        return answer.json()

    def try_run(self, request):
        """The same, whatever its status; None where there was no answer."""
        try:
            return self.post("/v1/run", request).json()
        except requests.RequestException:
            return None

    def children(self, pid=None):
        """Pids of the processes that pid (`serve` without it) has started."""
        return children(pid or self.pid)

    def pid_of(self, name, parent=None):
        """The pid of the child with this name (glimpsed, glimpse-boxd)."""
        for child in self.children(parent):
            if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == name:
                return child
        raise AssertionError(f"no {name} below {parent or self.pid}")

    def kept_artifacts(self):
        """The sizes of the compiled programs that glimpsed keeps."""
        return list(self._artifacts(self.pid_of("glimpsed")).values())

    def n_descriptors(self, pid):
        """How many a process has open, without one for each compiled program that it keeps."""
        return len(os.listdir(f"/proc/{pid}/fd")) - len(self._artifacts(pid))

    def _artifacts(self, pid):
        found = {}
        for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # it is closed by now
                if os.readlink(fd).startswith("/memfd:glimpse-artifact "):
                    found[fd.stat().st_ino] = fd.stat().st_size
        return found
