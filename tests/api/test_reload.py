"""SIGHUP: languages and their limits are read again, by both daemons; what is under way, and what did not change, goes on."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import signal
import time

import pytest

import metrics_page
from glimpse_server import ROOT, Server

AS_THEY_WERE, RELOADED, STAY = "languages are as they were", "languages and their limits are reloaded", "the languages stay as they are"


class Reloading(Server):
    """A server with language files of its own."""

    def __init__(self, **config):
        super().__init__({"languages_dir": "", **config})
        self.languages = self.folder / "languages"
        shutil.copytree(ROOT / "languages", self.languages)
        self.config.write_text(self.config.read_text().replace("languages_dir = ", f"languages_dir = {self.languages}"))

    def edit(self, language, old, new):
        path = self.languages / language / "language.ini"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def reload(self, *says):
        """Each daemon says one of these words, or the one, once more; what was logged meanwhile."""
        before = len(self.log_text())
        self.process.send_signal(signal.SIGHUP)
        for _ in range(600):
            log = self.log_text()[before:]
            ended = [line for line in log.splitlines() if any(words in line for words in says)]
            if {re.search("comp=(\\w+)", line)[1] for line in ended} == {"boxd", "glimpsed"}:
                return log
            assert self.process.poll() is None
            time.sleep(0.05)
        raise AssertionError(self.log_text()[before:])

    def language(self, name):
        return next((one for one in self.get("/v1/languages").json()["languages"] if one["id"] == name), None)

    def zygotes(self):
        """Pids by name: of boxd's children, interpreters that boot or wait."""
        found = {}
        for pid in self.children(self.pid_of("glimpse-boxd")):
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if words[0].startswith(b"/usr/bin/"):
                found[words[0].decode()] = pid
        return found

    def warm(self, language):
        """Waits until an interpreter of this language waits in a box."""
        for _ in range(600):
            page = metrics_page.read(self)
            if page.value("glimpse_pool_boxes", language=language, stage="run", state="idle") > 0:
                return page
            time.sleep(0.05)
        raise AssertionError(page.text)


@pytest.fixture()
def own():
    with Reloading(warm_costly="never") as running:
        yield running


def test_limits(own):
    with concurrent.futures.ThreadPoolExecutor() as threads:
        under_way = threads.submit(own.run, {"language": "python", "code": "import time; time.sleep(4); print('whole')",
                                             "limits": {"run": {"wall_time_ms": 30000}}})
        time.sleep(1)
        old = own.language("python")
        own.edit("python", "[run]\n", "[run]\nwall_time = 1500ms\n")
        own.edit("python", "[run]\n", "[run.max]\nwall_time = 2s\n\n[run]\n")
        own.reload(RELOADED)
        new = own.language("python")
        assert new["default_limits"]["run"]["wall_time_ms"] == 1500 and new["max_limits"]["run"]["wall_time_ms"] == 2000
        assert new["version"] == old["version"] and new["available"]
        ended = own.run({"language": "python", "code": "import time; time.sleep(30)", "limits": {"run": {"wall_time_ms": 25000}}})
        assert ended["status"] == "wall_time_limit" and "than 2 s" in ended["message"]
        assert under_way.result()["stages"]["run"]["stdout"] == "whole\n"


def test_a_language_comes_and_goes(own):
    own.warm("lua")
    shutil.copytree(own.languages / "lua", own.languages / "moon")
    text = (own.languages / "moon" / "language.ini").read_text()
    text = re.sub("(?m)^name = .*$", "name = Moon\naliases = luna", text)
    text = re.sub("(?m)^suffixes = .*$", "suffixes = .moon", text)
    (own.languages / "moon" / "language.ini").write_text(text)
    assert own.post("/v1/run", {"language": "luna", "code": "print(1)"}).status_code == 422
    own.reload(RELOADED)
    assert own.language("moon")["available"]
    assert own.run({"language": "luna", "code": "print(7)"})["stages"]["run"]["stdout"] == "7\n"
    own.warm("moon")
    assert own.run({"language": "moon", "code": "print(8)"})["stages"]["run"]["stdout"] == "8\n"
    assert metrics_page.read(own).value("glimpse_runs_total", language="moon", status="ok") == 2
    shutil.rmtree(own.languages / "moon")
    own.reload(RELOADED)
    assert own.language("moon") is None
    assert own.post("/v1/run", {"language": "moon", "code": "print(1)"}).status_code == 422
    assert own.run({"language": "lua", "code": "print(9)"})["stages"]["run"]["stdout"] == "9\n"
    # A counter does not vanish, and nothing is kept warm for it.
    page = metrics_page.read(own)
    assert page.value("glimpse_runs_total", language="moon", status="ok") == 2
    assert page.value("glimpse_pool_boxes", language="moon", stage="run", state="idle") == 0


def test_nothing_has_changed(own):
    for language in ("python", "lua"):
        own.warm(language)
    before = own.zygotes()
    own.reload(AS_THEY_WERE, RELOADED)
    log = own.reload(AS_THEY_WERE)
    assert "anew" not in log
    assert own.zygotes() == before and len(before) > 3


def test_what_changed_is_made_anew_and_no_more(own):
    for language in ("python", "lua"):
        own.warm(language)
    before = own.zygotes()
    script = own.languages / "python" / next(path.name for path in (own.languages / "python").glob("warm.py"))
    script.write_text(script.read_text() + "\nimport wave\n")
    log = own.reload(RELOADED)
    assert "run of python: is made anew" in log and log.count("made anew") == 1
    for _ in range(200):
        after = own.zygotes()
        if set(after) == set(before):
            break
        time.sleep(0.05)
    changed = {name for name in before if before[name] != after.get(name)}
    assert len(changed) == 1 and "python" in changed.pop()
    own.warm("python")
    code = "import sys; print('wave' in sys.modules, __name__)"
    seen = [own.run({"language": "python", "code": code})["stages"]["run"]["stdout"] for _ in range(3)]
    assert "True __main__\n" in seen


@pytest.mark.parametrize("broken", ["key", "owner", "gone"])
def test_files_that_are_not_right(own, broken):
    """The old ones stay in force, and the log says why."""
    if broken == "key":
        own.edit("lua", "[run]\n", "[run]\ncolour = red\n")
    elif broken == "owner":
        (own.languages / "lua" / "language.ini").chmod(0o666)
    else:
        shutil.rmtree(own.languages)
    log = own.reload(STAY)
    if broken == "key":
        assert re.search(r"lua/language.ini:\d+: ", log)
    for language in ("lua", "python"):
        assert own.run({"language": language, "code": "print(3)"})["stages"]["run"]["stdout"] == "3\n"
    assert own.get("/readyz").status_code == 200
    if broken == "key":  # and once they are right, they are taken
        own.edit("lua", "colour = red", "wall_time = 3s")
        own.reload(RELOADED)
        assert own.language("lua")["default_limits"]["run"]["wall_time_ms"] == 3000


def test_many_signals_while_much_is_going_on(own):
    def run(i):
        return own.run({"language": ("python", "lua", "bash", "c")[i % 4],
                        "code": ("print(1)", "print(1)", "echo 1", f'#include <stdio.h>\nint main(void) {{ puts("1"); return 0; }} // {i}')[i % 4]})

    with concurrent.futures.ThreadPoolExecutor(6) as threads:
        results = [threads.submit(run, i) for i in range(60)]
        for i in range(15):
            own.edit("lua", "[run]\n", f"[run]\n; edit {i}\n")
            own.process.send_signal(signal.SIGHUP)
            time.sleep(0.2)
        for result in results:
            assert result.result()["status"] == "ok" and result.result()["stages"]["run"]["stdout"] == "1\n"
    own.reload(AS_THEY_WERE, RELOADED)


def test_who_looks_is_killed(own):
    looker = own.children(own.pid_of("glimpsed"))[0]
    os.kill(looker, signal.SIGKILL)
    for _ in range(100):
        if "has ended: restart glimpsed" in own.log_text():
            break
        time.sleep(0.05)
    assert "has ended: restart glimpsed" in own.log_text()
    own.process.send_signal(signal.SIGHUP)
    for _ in range(100):
        if "not reloading" in own.log_text():
            break
        time.sleep(0.05)
    assert "not reloading" in own.log_text()
    assert own.run({"language": "python", "code": "print(3)"})["stages"]["run"]["stdout"] == "3\n"
