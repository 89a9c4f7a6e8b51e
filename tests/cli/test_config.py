"""glimpse config: all that is wrong at once, and where each value comes from."""
import os
import re
import shutil
import subprocess

import pytest

from glimpse_server import BUILD, ROOT


def config(*words, environment=None):
    done = subprocess.run([BUILD / "glimpse", "config", *map(str, words)], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **(environment or {})})
    return done.returncode, done.stdout, done.stderr


def check(path, **options):
    """Exit status, errors, warnings."""
    status, out, err = config("check", "--config", path, **options)
    assert err == ""
    errors = re.findall("^error: (.*)$", out, re.MULTILINE)
    warnings = re.findall("^warning: (.*)$", out, re.MULTILINE)
    assert out.splitlines()[-1] == f"{len(errors)} errors, {len(warnings)} warnings"
    assert status == (1 if errors else 0)
    return errors, warnings


@pytest.fixture()
def ini(tmp_path):
    def write(text):
        path = tmp_path / "glimpse.ini"
        path.write_text(text)
        return path

    return write


def test_all_errors_at_once(ini):
    path = ini("max_running = 0\nnonsense\ncolour = red\n\nwarm = 4\nwarm = 5\nlisten = nowhere\n[more]\npool = 3\n"
               "warm_memory = 1 gigabyte\ntrusted_proxies = 10.0.0.1/8\nlog_format = xml\n" + "x" * 300 + "\ncache_entries = -1\n")
    errors, _ = check(path, environment={"GLIMPSE_POOL": "many", "GLIMPSE_CACHE": "1G"})
    found = {}
    for error in errors:
        line = re.match(re.escape(str(path)) + r":(\d+): (.*)", error)
        found[int(line[1]) if line else 0] = line[2] if line else error
    assert set(found) >= {1, 2, 3, 6, 7, 9, 0}, errors
    assert '"0" is not a whole number from 1 to 1024' in found[1]
    assert "name = value" in found[2]
    assert "no key colour" in found[3]
    assert "twice, first in line 5" in found[6]
    assert "ADDR:PORT" in found[7]
    assert "does not belong in [more]" in found[9]
    assert "GLIMPSE_POOL" in found[0]


def test_what_the_service_would_say_is_said(ini):
    """Every file that the service refuses, this finds fault with, in its words."""
    for text in ("listen = 1", "max_queued = 100001", "x = 1", "run_dir = /" + "x" * 150, "trusted_proxies = nobody"):
        path = ini(text + "\n")
        done = subprocess.run([BUILD / "glimpsed", "--config", path], capture_output=True, text=True, timeout=30)
        assert done.returncode == 1
        said = re.search('msg="(.*)"$', done.stderr)[1].replace('\\"', '"')
        errors, _ = check(path)
        assert any(said[:80] in error for error in errors), (said, errors)


def test_a_good_file_is_fine(ini):
    errors, _ = check(ini("max_running = 2\n; a comment\nallow_missing = swap\n   cpu\n"))
    assert errors == []


@pytest.mark.parametrize("text, words", [
    ("listen = 0.0.0.0:2358", "TLS"),
    ("allow_missing = swap", "isolation"),
    ("slots = 3", "slots is 3"),
    ("max_queued = 0", "max_queued is 0"),
    ("warm = 0", "warm is 0"),
    ("warm_memory = 512G", "memory"),
    ("max_running = 1024", "memory limit of a language"),
    ("toolchains_dir = /nowhere/at/all", "/nowhere/at/all is not there"),
])
def test_what_does_not_fit_is_warned_of(ini, text, words):
    errors, warnings = check(ini(text + "\n"))
    assert errors == []
    assert any(words in warning for warning in warnings), warnings


def test_folders_and_user(ini, tmp_path):
    (tmp_path / "file").write_text("")
    errors, _ = check(ini(f"data_dir = {tmp_path}/file\nuser = nobody-of-this-name\nlanguages_dir = {tmp_path}/none\n"))
    assert any("data_dir" in error and "not a folder" in error for error in errors)
    assert any("useradd" in error for error in errors)
    assert any("languages_dir" in error for error in errors)
    assert any("ids of root" in error for error in check(ini("user = root\n"))[0])


def test_language_files(ini, tmp_path):
    """Each that is wrong, by file and line; and that others could write."""
    folder = tmp_path / "languages"
    shutil.copytree(ROOT / "languages", folder)
    for name, line in (("python", "colour = red"), ("lua", "[run]\nwall_time = soon")):
        text = (folder / name / "language.ini").read_text()
        (folder / name / "language.ini").write_text(text + "\n" + line + "\n")
    (folder / "c" / "language.ini").chmod(0o666)
    errors, _ = check(ini(f"languages_dir = {folder}\n"))
    assert any(re.search(r"python/language.ini:\d+: .*colour", error) for error in errors), errors
    assert any("lua/language.ini:" in error for error in errors), errors
    assert any("c/language.ini" in error and "chmod" in error for error in errors), errors


def test_show_says_where_from(ini):
    path = ini("max_running = 3\nallow_missing = swap 'a b'\n")
    status, out, err = config("show", "--config", path, "--listen", "127.0.0.1:1", environment={"GLIMPSE_CACHE": "1048576"})
    assert (status, err) == (0, "")
    values = {}
    for line in out.splitlines():
        name, value, origin = re.fullmatch(r";?(\w+) = *(.*?) *; (.*)", line).groups()
        values[name] = (value, origin)
    assert values["max_running"] == ("3", f"{path}:1")
    assert values["allow_missing"] == ('swap "a b"', f"{path}:2")
    assert values["cache"] == ("1M", "environment: GLIMPSE_CACHE")
    assert values["listen"] == ("127.0.0.1:1", "command line")
    assert values["data_dir"] == ("/var/lib/glimpse", "default")
    assert values["warm_memory"] == ("1G", "default")
    # What it prints is a file that means the same.
    again = config("show", "--config", ini(out))[1]
    assert [line.split(";")[0] for line in again.splitlines()] == [line.split(";")[0] for line in out.splitlines()]


def test_the_file_that_is_shipped_is_of_this_table(ini):
    status, out, _ = config("template")
    assert status == 0
    assert out == (ROOT / "packaging/glimpse.ini").read_text(), "build/glimpse config template > packaging/glimpse.ini"
    assert check(ini(out))[0] == []
    # Taken out of their comments, too, all but those that hang on others.
    lines = re.sub("(?m)^;(\\w+ = .+)$", r"\1", out)
    assert lines.count("\n") > 50 and check(ini(lines))[0] == []


def test_every_setting_is_in_the_manual():
    settings = re.findall(r"(?m)^;(\w+) =", config("template")[1])
    rows = re.findall(r"(?m)^\| `(\w+)` \|", (ROOT / "docs/operate.md").read_text())
    assert len(settings) > 20 and set(settings) <= set(rows), set(settings) - set(rows)


def test_usage():
    for words in ((), ("frob",), ("check", "show"), ("check", "--frob")):
        status, out, err = config(*words)
        assert status == 2 and out == "" and err.startswith("glimpse config: "), words
