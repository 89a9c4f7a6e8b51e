"""The attacked server: a Glimpse of its own, with one more language, whose compile stage does whatever its sender likes."""
import pathlib
import shutil

import pytest

from glimpse_server import BUILD, ROOT, SLOWNESS, Server, idle_boxes

from oracle import Oracle

POOL = 4
WARM = 2  # for each language that is forked
IN_GUEST = SLOWNESS > 1
NOT_FORKED = {"java", "javascript", "kotlin", "typescript"} if IN_GUEST else set()  # user-mode Linux does not make threads anew

# What make, cargo and the like do: the sender's own program runs in the compile stage, and leaves what it wants to.
BUILD_SCRIPT = """[language]
name = Build script
suffixes = .build
main = main.build
hello = hello.build
needs = /bin/bash
package = bash
version_command = /bin/bash --version
version_pattern = version ([0-9.]+)

[compile]
command = /bin/bash {main}
collect = .glimpse/main .glimpse/folder

[run]
command = /bin/bash .glimpse/main {args}
"""


@pytest.fixture(scope="session")
def server():
    """Every hostile test, and every canary, talks to this one: what one test breaks shows in those after it."""
    attacked = Server(config={"pool": POOL, "warm": WARM, "warm_max": WARM, "warm_costly": "never", "max_running": 8, "max_queued": 600, "slots": 48})
    languages = attacked.folder / "languages"
    source = BUILD / "languages"
    shutil.copytree(source if source.is_dir() else ROOT / "languages", languages)
    for name in NOT_FORKED:
        file = languages / name / "language.ini"
        file.write_text(file.read_text().partition("[warm]")[0])
    for name in {"java", "kotlin"} - NOT_FORKED:  # not their compilers
        file = languages / name / "language.ini"
        before, section, after = file.read_text().partition("[warm]")
        file.write_text(before + section + after.replace("costly = yes\n", ""))
    extra = languages / "buildscript"
    extra.mkdir()
    (extra / "language.ini").write_text(BUILD_SCRIPT)
    (extra / "hello.build").write_text("echo 'echo Hello, world!' > .glimpse/main\n")
    with attacked.config.open("a") as file:
        file.write(f"languages_dir = {languages}\n")
    with attacked:
        yield attacked


@pytest.fixture(scope="session")
def oracle(server):
    return Oracle(server, POOL, idle_boxes(0, WARM, server.folder / "languages"))


@pytest.fixture(scope="session", autouse=True)
def memory_at_the_end(oracle):
    """The whole suite leaves the boxes' and the daemons' memory as it was: single cases are too small to measure it by."""
    before = oracle.memory()
    yield
    oracle.check_memory(before)


def pytest_collection_modifyitems(items):
    """The guest chooses `cgroup or not hostile` out of several suites: what is marked so here, and all of the others."""
    for item in items:
        if pathlib.Path(item.path).parent == pathlib.Path(__file__).resolve().parent:
            item.add_marker(pytest.mark.hostile)
