"""The worked example of docs/languages.md: the text that is there, done."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from glimpse_server import BUILD, ROOT, Server

DOCUMENT = (ROOT / "docs/languages.md").read_text()


def block(file_name):
    """The fenced block after the line that names the file."""
    return re.search(rf"`languages/awk/{re.escape(file_name)}`:\n\n```\w+\n(.*?)```", DOCUMENT, re.DOTALL).group(1)


@pytest.fixture(scope="module")
def with_awk():
    # Not pytest's tmp_path: glimpsed, which is not root, must be able to read it.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="glimpse-awk-"))
    folder.chmod(0o755)
    shutil.copytree(ROOT / "languages", folder / "languages", ignore=shutil.ignore_patterns("__pycache__"))
    awk = folder / "languages/awk"
    awk.mkdir()
    (awk / "language.ini").write_text(block("language.ini"))
    (awk / "hello.awk").write_text(block("hello.awk"))
    subprocess.run(["chmod", "-R", "go-w", folder], check=True)
    with Server(config={"languages_dir": folder / "languages"}) as server:
        server.awk = awk
        yield server
    shutil.rmtree(folder)


def test_it_is_listed(with_awk):
    listed = {language["id"]: language for language in with_awk.get("/v1/languages").json()["languages"]}
    assert listed["awk"]["available"], listed["awk"]["unavailable"]
    assert listed["awk"]["name"] == "Awk"
    assert listed["awk"]["version"].startswith("1.")
    assert listed["awk"]["hello"]["content"] == block("hello.awk")
    assert len(listed) == 1 + sum(1 for _ in (ROOT / "languages").glob("*/language.ini"))


def test_it_runs(with_awk):
    code = 'BEGIN { getline name <"-"; print "Hello, " name ARGC - 1 }\nBEGIN { print 1 >"/nowhere/at/all" }'
    result = with_awk.run({"language": "awk", "code": code, "stdin": "Ada\n", "args": ["a", "b"]})
    assert result["status"] == "runtime_error"
    assert result["stages"]["run"]["stdout"] == "Hello, Ada2\n"
    assert "/nowhere/at/all" in result["stages"]["run"]["stderr"]


def test_the_command_of_the_example(with_awk):
    command = re.search(r"^\$ (glimpse run \S+)\n(.*?)```", DOCUMENT, re.DOTALL | re.MULTILINE)
    words = command.group(1).split()
    done = subprocess.run([BUILD / "glimpse", "run", "--server", with_awk.url, with_awk.awk / pathlib.Path(words[2]).name],
                          capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == (command.group(2), "", 0)


def test_a_bad_file_stops_the_start_with_its_line(with_awk):
    bad = with_awk.awk / "language.ini"
    good = bad.read_text()
    bad.write_text(good.replace("suffixes", "sufixes"))
    try:
        with pytest.raises(AssertionError, match=r"awk/language.ini:3: there is no key sufixes"):
            with Server(config={"languages_dir": bad.parent.parent}):
                pass
    finally:
        bad.write_text(good)


def test_a_missing_toolchain_is_told_and_the_rest_works(with_awk):
    ini = with_awk.awk / "language.ini"
    good = ini.read_text()
    ini.write_text(good.replace("/usr/bin/mawk", "/usr/bin/awk-not-there"))
    try:
        with Server(config={"languages_dir": ini.parent.parent}) as server:
            listed = {language["id"]: language for language in server.get("/v1/languages").json()["languages"]}
            assert not listed["awk"]["available"]
            assert listed["awk"]["unavailable"] == "/usr/bin/awk-not-there is missing; install mawk"
            answer = server.post("/v1/run", {"language": "awk", "code": "BEGIN {}"})
            assert 400 <= answer.status_code < 500
            assert "install mawk" in answer.text
            assert server.run({"language": "bash", "code": "echo works"})["stages"]["run"]["stdout"] == "works\n"
    finally:
        ini.write_text(good)


def test_files_that_others_can_write_stop_the_start(with_awk):
    ini = with_awk.awk / "language.ini"
    os.chmod(ini, 0o666)
    try:
        with pytest.raises(AssertionError, match=r"awk/language.ini can be written by others"):
            with Server(config={"languages_dir": ini.parent.parent}):
                pass
    finally:
        os.chmod(ini, 0o644)
