"""What a box is, from inside: in every language, and in the compile stage. The expectation is written out here.

posture.py reports; each language's program starts it as a child, and it looks at every process of the box, the program's own too.
"""
import concurrent.futures
import json
import os
import pathlib
import re

import pytest

PROBE = (pathlib.Path(__file__).resolve().parent / "posture.py").read_text()
LIMITS = {"memory_bytes": 512 << 20, "processes": 256, "wall_time_ms": 20000, "cpu_time_ms": 20000, "file_bytes": 1 << 20, "open_files": 300}
COMPILE_LIMITS = {"memory_bytes": 1 << 30, "processes": 256, "wall_time_ms": 60000, "cpu_time_ms": 60000}

C = '#include <stdlib.h>\nint main(void) { return system("python3 posture.py"); }\n'
NODE = 'require("node:child_process").execFileSync("/usr/bin/python3", ["posture.py"], {stdio: "inherit"});\n'
# language -> the main file and its text, which starts the probe with its own stdin, stdout and stderr.
STARTERS = {
    "bash": ("main.sh", "python3 posture.py\n"),
    "c": ("main.c", C),
    "cpp": ("main.cpp", C.replace("stdlib.h", "cstdlib").replace("(void)", "()")),
    "go": ("main.go", 'package main\n\nimport (\n\t"os"\n\t"os/exec"\n)\n\nfunc main() {\n'
           '\tc := exec.Command("/usr/bin/python3", "posture.py")\n\tc.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr\n'
           '\tif c.Run() != nil {\n\t\tos.Exit(1)\n\t}\n}\n'),
    "java": ("Main.java", "public class Main {\n    public static void main(String[] args) throws Exception {\n        System.exit("
             'new ProcessBuilder("/usr/bin/python3", "posture.py").inheritIO().start().waitFor());\n    }\n}\n'),
    "javascript": ("main.js", NODE),
    "kotlin": ("Main.kt", "fun main() {\n"
               '    System.exit(ProcessBuilder("/usr/bin/python3", "posture.py").inheritIO().start().waitFor())\n}\n'),
    "lua": ("main.lua", 'os.exit(os.execute("python3 posture.py"))\n'),
    "perl": ("main.pl", 'exit(system("/usr/bin/python3", "posture.py") >> 8);\n'),
    "php": ("main.php", '<?php passthru("python3 posture.py", $status); exit($status);\n'),
    "r": ("main.R", 'quit(status = system("python3 posture.py"))\n'),
    "python": ("main.py", 'import subprocess\nsubprocess.run(["/usr/bin/python3", "posture.py"], check=True)\n'),
    "ruby": ("main.rb", 'exit system("/usr/bin/python3", "posture.py")\n'),
    "typescript": ("main.ts", "declare const require: any;\n" + NODE),
    # See conftest.py: what it does is done in the compile stage, and its run stage prints what that has left.
    "buildscript": ("main.build", "(echo 'cat <<END'; python3 posture.py; echo; echo END) > .glimpse/main\n"),
}
# How a language's box comes to be, and what a request for that says: a fresh interpreter, by a variable that one reads at its start,
# or one that was forked into the box.
FORMS = {"cold": {"env": {"LC_ALL": "C.UTF-8"}}, "warm": {}}
FORKED = {"bash", "java", "javascript", "kotlin", "lua", "perl", "php", "python", "ruby", "typescript"}

NO_CAPABILITIES = ["0000000000000000"]
STATUS = {"Uid": ["1000"] * 4, "Gid": ["1000"] * 4, "Groups": [], "CapInh": NO_CAPABILITIES, "CapPrm": NO_CAPABILITIES,
          "CapEff": NO_CAPABILITIES, "CapBnd": NO_CAPABILITIES, "CapAmb": NO_CAPABILITIES, "NoNewPrivs": ["1"], "Seccomp": ["2"]}
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/box", "TMPDIR": "/tmp", "LANG": "C.UTF-8", "USER": "box",
               "LOGNAME": "box", "PWD": "/box"}
# What shells, virtual machines and a language's own table add for themselves.
ADDED = r"_|SHLVL|OLDPWD|NODE_\w+|GO\w+|JAVA_\w+|JDK_\w+|LC_ALL|PYTHON\w+|CCACHE\w*|XDG_\w+|" \
        r"_?R_\w+|LD_LIBRARY_PATH|TAR|SED|PAGER|EDITOR|LN_S|MAKE|COLUMNS|LINES"
OWN_NAMESPACES = {"user", "pid", "pid_for_children", "mnt", "net", "ipc", "uts", "cgroup"}
MAX_LIMITS = {"Max core file size": 1, "Max stack size": 64 << 20, "Max locked memory": 64 << 10, "Max pending signals": 1024,
              "Max msgqueue size": 819200, "Max nice priority": 0, "Max realtime priority": 0}
DEVICES = {"/dev/null": "c 1:3", "/dev/zero": "c 1:5", "/dev/full": "c 1:7", "/dev/random": "c 1:8", "/dev/urandom": "c 1:9",
           "/dev/pts/ptmx": "c 5:2", "/dev/fd": "link", "/dev/stdin": "link", "/dev/stdout": "link", "/dev/stderr": "link",
           "/dev/ptmx": "link", "/dev/tty": "c 5:0"}
WRITABLE_MOUNTS = {"/box": "tmpfs", "/tmp": "tmpfs", "/dev/shm": "tmpfs", "/dev/pts": "devpts", "/proc": "proc"}
WITH_DEVICES = {"/dev", "/dev/pts"}  # and what is masked by /dev/null
# Where binds may be: the toolchains, and files of /etc that they need.
BINDS = r"/(usr|bin|sbin|lib\w*)|/(etc|opt)/\S+"
ROOT = {"bin", "box", "dev", "etc", "lib", "lib32", "lib64", "libx32", "opt", "proc", "run", "sbin", "tmp", "usr", "var"}
FILES_OF_RUNTIMES = r"pipe:\[\d+\]|anon_inode:.*|/(usr|opt|lib)/.*|/box/.*|/tmp/.*|/dev/(null|random|urandom)|/proc/\d+/\S+"


def probe(server, language, form):
    name, text = STARTERS[language]
    # An interpreter that waits has the default limit for memory, which decides the size of some heaps.
    limits = {name: value for name, value in LIMITS.items() if form == "cold" or name != "memory_bytes"}
    answer = server.run({"language": language, "files": [{"name": name, "content": text}, {"name": "posture.py", "content": PROBE}],
                         "limits": {"run": limits, "compile": COMPILE_LIMITS if language != "buildscript" else LIMITS}, **FORMS[form]})
    assert answer["status"] == "ok", answer["stages"]
    return json.loads(answer["stages"]["run"]["stdout"])


@pytest.fixture(scope="module")
def seen(server, oracle):
    """Reports by language and form, made when first asked for."""
    found = {}

    def get(language, form):
        if (language, form) not in found:
            with oracle.guard():
                found[language, form] = probe(server, language, form)
        return found[language, form]
    return get


def pytest_generate_tests(metafunc):
    if "box" in metafunc.fixturenames:
        metafunc.parametrize(("language", "form"), [(language, form) for language in STARTERS for form in FORMS
                                                  if form == "cold" or language in FORKED])


@pytest.fixture()
def box(seen, language, form):
    return seen(language, form)


def test_every_language_is_there(server):
    assert {language["id"] for language in server.get("/v1/languages").json()["languages"]} == set(STARTERS)


def test_privileges(box):
    for process in box["processes"].values():
        assert process["status"] == STATUS, process["command"]
        assert process["oom_score_adj"] == 1000


def is_keeper(process):
    """Of the memory of a warm interpreter (src/init/zygote_keeper.c): it has nothing open, and may open nothing."""
    return process["parent"] == 1 and not process["descriptors"] and process["limits"]["Max open files"] == ["0", "0"]


def test_processes(box, language, form):
    """The program, what it has started, and the probe. Init can't be seen."""
    processes = box["processes"]
    assert "1" not in processes and str(box["self"]) in processes
    assert len(processes) <= 4, [process["command"] for process in processes.values()]
    programs = [pid for pid, process in processes.items() if process["parent"] == 1 and not is_keeper(process)]
    keepers = [pid for pid, process in processes.items() if is_keeper(process)]
    assert len(programs) == 1, "one program, started by init"
    assert len(keepers) <= 1 and all(int(pid) > int(programs[0]) for pid in keepers)
    assert not {process["parent"] for process in processes.values()} - {int(pid) for pid in processes} - {1}


def test_descriptors(box):
    for pid, process in box["processes"].items():
        descriptors = process["descriptors"]
        if is_keeper(process):
            continue
        for fd in ("0", "1", "2"):
            assert re.fullmatch(r"pipe:\[\d+\]|/dev/null|/box/\.glimpse/main", descriptors[fd]), (fd, descriptors[fd])
        for fd, target in descriptors.items():
            assert re.fullmatch(FILES_OF_RUNTIMES, target), (process["command"], fd, target)
        if pid == str(box["self"]):
            # PHP and R leave their script open in children.
            assert {fd for fd, target in descriptors.items() if target not in ("/box/main.php", "/box/main.R")} <= {"0", "1", "2"}, descriptors


def test_environment(box):
    for process in box["processes"].values():
        environment = process["environment"]
        assert {name: environment.get(name) for name in ENVIRONMENT} == ENVIRONMENT
        for name in set(environment) - set(ENVIRONMENT):
            assert re.fullmatch(ADDED, name), (process["command"], name, environment[name])


def test_limits(box):
    requested = {"Max file size": LIMITS["file_bytes"], "Max open files": LIMITS["open_files"]}
    for process in box["processes"].values():
        for name, most in {**MAX_LIMITS, **requested}.items():
            soft, hard = process["limits"][name]
            assert int(soft) <= int(hard) <= most, (process["command"], name, soft, hard)


def test_mounts(box):
    for process in box["processes"].values():
        mounts = process["mounts"]
        writable = {point: mount["type"] for point, mount in mounts.items() if "rw" in mount["options"]}
        assert writable == WRITABLE_MOUNTS
        for point, mount in mounts.items():
            assert "nosuid" in mount["options"], point
            is_mask = point.startswith("/proc/") and mount["type"] == "tmpfs"
            assert "nodev" in mount["options"] or point in WITH_DEVICES or is_mask, (point, mount)
            assert is_mask or point in WRITABLE_MOUNTS or point in ("/", "/dev", "/proc/sys") or re.fullmatch(BINDS, point), point
    assert set(box["root"]) <= ROOT
    assert box["writable"] == ["/box", "/dev/shm", "/tmp"]


def test_namespaces(box):
    host = {name: os.stat(f"/proc/self/ns/{name}").st_ino for name in os.listdir("/proc/self/ns")}
    first = box["processes"][str(box["self"])]["namespaces"]
    for process in box["processes"].values():
        assert process["namespaces"] == first and set(process["groups"]) == {"/"}
    for name in OWN_NAMESPACES:
        assert first[name] != host[name], f"{name} is the host's"


def test_boxes_differ(server, oracle):
    """At the same time: an inode of a namespace that is gone may be used again."""
    code = 'import os, time\nprint({n: os.stat(f"/proc/self/ns/{n}").st_ino for n in os.listdir("/proc/self/ns")})\ntime.sleep(1)'
    with oracle.guard(), concurrent.futures.ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: server.run({"language": "python", "code": code}), range(3)))
    boxes = [json.loads(answer["stages"]["run"]["stdout"].replace("'", '"')) for answer in answers]
    for name in OWN_NAMESPACES:
        assert len({box[name] for box in boxes}) == 3, name


def test_devices(box):
    assert {name: kind for name, kind in box["devices"].items() if not name.startswith("/dev/shm/")} == DEVICES
