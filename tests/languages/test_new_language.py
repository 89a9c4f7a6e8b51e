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
    return re.search(rf"`languages/lua/{re.escape(file_name)}`:\n\n```\w+\n(.*?)```", DOCUMENT, re.DOTALL).group(1)


@pytest.fixture(scope="module")
def with_lua():
    # Not pytest's tmp_path: glimpsed, which is not root, must be able to read it.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="glimpse-lua-"))
    folder.chmod(0o755)
    shutil.copytree(ROOT / "languages", folder / "languages", ignore=shutil.ignore_patterns("__pycache__"))
    lua = folder / "languages/lua"
    lua.mkdir()
    (lua / "language.ini").write_text(block("language.ini"))
    (lua / "hello.lua").write_text(block("hello.lua"))
    subprocess.run(["chmod", "-R", "go-w", folder], check=True)
    with Server(config={"languages_dir": folder / "languages"}) as server:
        server.lua = lua
        yield server
    shutil.rmtree(folder)


def test_it_is_listed(with_lua):
    listed = {language["id"]: language for language in with_lua.get("/v1/languages").json()["languages"]}
    assert listed["lua"]["available"], listed["lua"]["unavailable"]
    assert listed["lua"]["name"] == "Lua"
    assert listed["lua"]["version"].startswith("5.4")
    assert listed["lua"]["hello"]["content"] == block("hello.lua")
    assert len(listed) == 11


def test_it_runs(with_lua):
    code = "print('Hello, ' .. io.read() .. #arg)\nerror('a message')"
    result = with_lua.run({"language": "lua", "code": code, "stdin": "Ada\n", "args": ["a", "b"]})
    assert result["status"] == "runtime_error"
    assert result["stages"]["run"]["stdout"] == "Hello, Ada2\n"
    assert "lua5.4: main.lua:2: a message" in result["stages"]["run"]["stderr"]


def test_the_command_of_the_example(with_lua):
    command = re.search(r"^\$ (glimpse run \S+)\n(.*?)```", DOCUMENT, re.DOTALL | re.MULTILINE)
    words = command.group(1).split()
    done = subprocess.run([BUILD / "glimpse", "run", "--server", with_lua.url, with_lua.lua / pathlib.Path(words[2]).name],
                          capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == (command.group(2), "", 0)


def test_a_bad_file_stops_the_start_with_its_line(with_lua):
    bad = with_lua.lua / "language.ini"
    good = bad.read_text()
    bad.write_text(good.replace("suffixes", "sufixes"))
    try:
        with pytest.raises(AssertionError, match=r"lua/language.ini:3: there is no key sufixes"):
            with Server(config={"languages_dir": bad.parent.parent}):
                pass
    finally:
        bad.write_text(good)


def test_a_missing_toolchain_is_told_and_the_rest_works(with_lua):
    ini = with_lua.lua / "language.ini"
    good = ini.read_text()
    ini.write_text(good.replace("/usr/bin/lua5.4", "/usr/bin/lua-not-there"))
    try:
        with Server(config={"languages_dir": ini.parent.parent}) as server:
            listed = {language["id"]: language for language in server.get("/v1/languages").json()["languages"]}
            assert not listed["lua"]["available"]
            assert listed["lua"]["unavailable"] == "/usr/bin/lua-not-there is missing; install lua5.4"
            answer = server.post("/v1/run", {"language": "lua", "code": "print(1)"})
            assert 400 <= answer.status_code < 500
            assert "install lua5.4" in answer.text
            assert server.run({"language": "bash", "code": "echo works"})["stages"]["run"]["stdout"] == "works\n"
    finally:
        ini.write_text(good)


def test_files_that_others_can_write_stop_the_start(with_lua):
    ini = with_lua.lua / "language.ini"
    os.chmod(ini, 0o666)
    try:
        with pytest.raises(AssertionError, match=r"lua/language.ini can be written by others"):
            with Server(config={"languages_dir": ini.parent.parent}):
                pass
    finally:
        os.chmod(ini, 0o644)
