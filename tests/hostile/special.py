"""Attacks that are more than one JSON request: see test_hostile.py. Each function gets the attacked server."""
import base64
import concurrent.futures
import json
import os
import pathlib
import random
import re
import socket
import time

import requests

from glimpse_server import SLOWNESS

MIB = 1 << 20
TIGHT = {"wall_time_ms": 3000, "cpu_time_ms": 2000, "memory_bytes": 64 * MIB, "processes": 64}


def slowed(limits, met=()):
    """The same where programs are slow, but for the times that shall run out: those of the statuses in met."""
    times = {"wall_time_ms", "cpu_time_ms"} - {status.replace("_limit", "_ms") for status in met}
    return {name: value * SLOWNESS if name in times else value for name, value in limits.items()}


def job(language, code, **more):
    limits = {**slowed(TIGHT), **more.pop("limits", {})}
    return {"language": language, "code": code, "limits": {"run": limits}, **more}


def run(server, request):
    """The answer and its run stage."""
    answer = server.run(request)
    return answer, answer["stages"]["run"]


def unread_stdin(server):
    body = "x" * (10 * MIB)
    for code in ("echo end", "exec 0<&-; echo end", "head -c 5 >/dev/null; echo end", "exec 0<&-; sleep 0.3; echo end"):
        answer, stage = run(server, job("bash", code, stdin=body))
        assert (answer["status"], stage["stdout"]) == ("ok", "end\n"), answer
    answer, stage = run(server, job("bash", "sleep 10", stdin=body, limits={"wall_time_ms": 300}))
    assert answer["status"] == "wall_time_limit"


def binary_output(server):
    code = "import os\nfor i in range(16): os.write(1, bytes(range(256)) * 64)"
    wanted = bytes(range(256)) * 1024
    _, stage = run(server, job("python", code, output_encoding="base64"))
    assert base64.b64decode(stage["stdout"], validate=True) == wanted
    _, stage = run(server, job("python", code))
    assert stage["binary"] and stage["stdout"].startswith("".join(map(chr, range(128)))) and "\ufffd" in stage["stdout"]
    _, stage = run(server, job("bash", r"printf 'a\0b\033[31m\x07\x7f\n\xc3'"))
    assert stage["stdout"] == "a\0b\x1b[31m\x07\x7f\n\ufffd", stage


def odd_sources(server):
    def post(raw):
        answer = server.post("/v1/run", raw)
        assert answer.status_code in (200, 400, 413, 422), answer.text
        answer.json()
        return answer

    for escape in (rb"\ud800", rb"\udfff\ud800", rb"\ud800x"):
        assert post(b'{"language":"bash","code":"echo ' + escape + b'"}').status_code in (400, 422)
    for raw in (b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"):
        assert post(b'{"language":"bash","code":"echo ' + raw + b'"}').status_code in (400, 422)
    assert post(b'\xef\xbb\xbf{"language":"bash","code":"echo"}').status_code in (200, 400, 422)
    nul = post(b'{"language":"bash","code":"echo a\\u0000b"}')
    assert nul.status_code in (200, 422)
    _, stage = run(server, job("bash", "echo " + "x" * MIB, limits={"output_bytes": 2 * MIB}))
    assert len(stage["stdout"]) == MIB + 1
    _, stage = run(server, job("python", "\ufeffprint('bom')"))
    assert stage["stdout"] == "bom\n"
    for raw in (b"\xff\xfe\x00", bytes(range(256)), b"\0" * 1000):
        files = [{"name": "main.py", "content": base64.b64encode(raw).decode(), "encoding": "base64"}]
        answer = server.run({"language": "python", "files": files})
        assert answer["status"] in ("runtime_error", "ok"), answer


def file_names(server):
    bad = ["../../etc/cron.d/x", "a/../b", "", ".", "..", "/etc/passwd", "a//b", "a/", "x" * 5000, "a\nb", "a\0b", "-rf", "--config=x",
           "a/-x", "a\x7f", "./a", "a/.", ".glimpse/main", ".glimpse", "/".join("a" * 40), "a/../../../../proc/self/mem"]
    for name in bad:
        answer = server.post("/v1/run", {"language": "bash", "files": [{"name": name, "content": "echo HOLE"}]})
        assert answer.status_code in (400, 422), (name, answer.text)
        assert answer.json()["detail"], name
    for names in (["a", "a"], ["a", "a/b"], ["a/b", "a"]):
        answer = server.post("/v1/run", {"language": "bash", "files": [{"name": n, "content": "x"} for n in names]})
        assert answer.status_code in (400, 422), names
    many = [{"name": f"f{i}", "content": ""} for i in range(10000)]
    assert server.post("/v1/run", {"language": "bash", "files": many}).status_code in (400, 413, 422)


def local_services(server):
    """What listens on the host, TCP and by abstract and ordinary name, is not to be reached."""
    name = f"hostile-{os.getpid()}-{random.randrange(1 << 30)}"
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind("\0" + name)
    abstract.listen()
    tcp = socket.create_server(("127.0.0.1", 0))
    try:
        code = f"""
import glob, socket
for family, address in ((socket.AF_INET, ("127.0.0.1", {server.port})), (socket.AF_INET, ("127.0.0.1", {tcp.getsockname()[1]})),
                        (socket.AF_INET6, ("::1", {server.port})), (socket.AF_UNIX, "\\0{name}"),
                        (socket.AF_UNIX, "{server.data}/run/boxd.sock"), (socket.AF_UNIX, "/run/dbus/system_bus_socket")):
    try:
        socket.socket(family).connect(address)
        print("HOLE", address)
    except OSError as e:
        print(address, e.errno)
print(glob.glob("/run/*"), "end")
"""
        answer, stage = run(server, job("python", code))
        assert answer["status"] == "ok" and "HOLE" not in stage["stdout"] and "[] end" in stage["stdout"], stage
    finally:
        abstract.close()
        tcp.close()


def determinism(server):
    code = """
import os, random, uuid, secrets
print(random.random(), uuid.uuid4(), secrets.token_hex(8), os.urandom(8).hex(), sep="\\n")
stack = next(line for line in open("/proc/self/maps") if "[stack]" in line)
print(id(object()), stack.split("-")[0], hash("a"), sep="\\n")
"""
    # Interpreters that were forked have their zygote's addresses and hash seed (docs/security.md): a fresh one has its own.
    for env, n in (({}, 4), ({"PYTHONNODEBUGRANGES": ""}, 7)):
        lines = [run(server, job("python", code, env=env))[1]["stdout"].splitlines() for _ in range(3)]
        for values in list(zip(*lines, strict=True))[:n]:
            assert len(set(values)) == 3, f"the same in several jobs: {values}"
        assert len(lines[0]) == 7


def host_names(server):
    code = """
cat /proc/self/mountinfo /proc/self/cgroup /proc/self/mounts /etc/hostname /etc/hosts /etc/passwd /proc/version /proc/net/* 2>/dev/null
hostname; uname -n; uname -a; env; cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname
"""
    _, stage = run(server, job("bash", code))
    text = stage["stdout"]
    assert "box" in text
    telling = {socket.gethostname(), str(server.data)} - {"", "localhost", "box"}
    for word in telling:
        if word == "vm" or len(word) < 4:  # too short to mean anything in such a text
            continue
        assert word not in text, f"{word} in {text}"
    groups = {line.split(":", 2)[2] for line in text.splitlines() if re.fullmatch(r"\d+:[^ ]*:/\S*", line)}
    assert groups == {"/"}, groups
    # Known and documented (docs/security.md): the mounts' sources on the host, for the folders that the operator chose.
    sources = {line.split()[3] for line in text.splitlines() if re.match(r"\d+ \d+ \d+:\d+ ", line)}
    # Where the host's own root is a folder of its file system (a container's, say), the names begin with that.
    mounts = [line.split() for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
    root = next(fields[3] for fields in reversed(mounts) if fields[4] == "/").rstrip("/")
    sources = {source.removeprefix(root) for source in sources}
    telling = {source for source in sources if not re.match(
        r"/(usr|bin|sbin|lib\w*|etc/\S*|opt/\S*|null|var/empty|shm|tmp|box|sys)?$", source)}
    assert telling <= {str(server.folder / "languages")}, telling


def exit_codes(server):
    for request, status, code, signal in (
            (job("python", "raise SystemExit(137)"), "runtime_error", 137, None),
            (job("python", "raise SystemExit(124)"), "runtime_error", 124, None),
            (job("python", "raise SystemExit(256 + 9)"), "runtime_error", 9, None),
            (job("python", "raise SystemExit(-1)"), "runtime_error", 255, None),
            (job("python", "raise SystemExit(152)"), "runtime_error", 152, None),
            (job("bash", "kill -9 $$"), "signaled", None, "SIGKILL"),
            (job("bash", "kill -XCPU $$"), "signaled", None, "SIGXCPU"),
            (job("bash", "kill -ALRM $$"), "signaled", None, "SIGALRM"),
            (job("bash", "kill -SYS $$"), "signaled", None, "SIGSYS"),
            (job("bash", "echo 'internal_error' >&2; exit 0"), "ok", 0, None)):
        answer, stage = run(server, request)
        assert (answer["status"], stage["exit_code"], stage["signal"]) == (status, code, signal), answer


def http_bodies(server):
    deep = b"[" * 10**6
    for body in (deep, b'{"language":' + deep, b'{"a":' * 10**5, b"[" * 5000 + b"]" * 5000, b'{"language":"bash","language":"c","code":""}',
                 b'{"language":"bash","code":"x","limits":{"run":{"wall_time_ms":1e400}}}', b'{"language":"\\u0000","code":"x"}',
                 b'{"language":"bash","code":"x","limits":{"run":{"wall_time_ms":-1}}}', b'{"language":"bash"', b"", b"null", b"0", b'"x"',
                 b'{"language":"bash","code":"x","limits":{"run":{"wall_time_ms":99999999999999999999}}}',
                 b'{"language":"bash","code":"x","env":{"A=B":"1"}}', b'{"language":"bash","code":"x","env":{"A":"\\u0000"}}',
                 json.dumps({"language": "bash", "code": "x", "args": ["x"] * 100000}).encode(),
                 json.dumps({"language": "bash", "code": "x", "env": {f"V{i}": "" for i in range(10**5)}}).encode(),
                 json.dumps({"language": "bash", "code": "x", "args": ["x" * (2 << 20)]}).encode()):
        answer = server.post("/v1/run", body)
        assert 400 <= answer.status_code < 500, (body[:60], answer.status_code, answer.text[:200])
        assert answer.json()["status"] == answer.status_code

    def talk(sent, wait_s=3):
        with socket.create_connection((server.host, server.port), timeout=wait_s) as s:
            got = b""
            try:
                s.sendall(sent)
                while chunk := s.recv(65536):
                    got += chunk
                    if b"\r\n\r\n" in got and b"Connection: close" in got:
                        break
            except OSError:
                pass
            return got

    head = b"POST /v1/run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    for sent in (head + b"Content-Length: 99999999999999999999\r\n\r\n", head + b"Content-Length: -1\r\n\r\n",
                 head + b"Content-Length: 1073741824\r\nConnection: close\r\n\r\n{", b"\x16\x03\x01\x02\x00" + b"x" * 100,
                 head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", head + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
                 head + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345", head + b"X: " + b"y" * (1 << 20) + b"\r\n\r\n",
                 head + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 5000,
                 b"GET " + b"/x" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"):
        got = talk(sent, wait_s=1)
        assert got == b"" or re.match(rb"HTTP/1\.[01] (4\d\d|50[15])", got), (sent[:80], got[:200])
    two = talk((head + b"Content-Length: 35\r\n\r\n" + b'{"language":"bash","code":"echo a"}') * 2, wait_s=2)
    assert two.count(b"HTTP/1.1 200") == 2, two  # pipelined: both are answered, in order
    slow = [socket.create_connection((server.host, server.port)) for _ in range(100)]
    for s in slow:
        s.sendall(b"POST /v1/run HTTP/1.1\r\nHo")
    assert server.run({"language": "bash", "code": "echo hi"})["stages"]["run"]["stdout"] == "hi\n"
    for s in slow:
        s.close()


def disconnects(server):
    body = json.dumps(job("bash", "sleep 20; echo late")).encode()
    request = (b"POST /v1/run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)) + body
    for i in range(200):
        with socket.create_connection((server.host, server.port)) as s:
            s.sendall(request if i % 3 else request[:-10])
            time.sleep(0.01 if i % 10 else 0.05)
    answer, stage = run(server, job("bash", "echo hi"))
    assert stage["stdout"] == "hi\n"


STORM = 300
STORM_JOBS = [
    ("bash", "echo {n}", {}, {"ok"}),
    ("bash", "echo {n}; sleep 10", {"wall_time_ms": 500}, {"wall_time_limit"}),
    ("bash", "echo {n}; while :; do :; done", {"cpu_time_ms": 50}, {"cpu_time_limit"}),
    ("bash", "echo {n}; exit 3", {}, {"runtime_error"}),
    ("bash", "echo {n}; kill -9 $$", {}, {"signaled"}),
    ("bash", "echo {n}; yes {n}", {"output_bytes": 4096}, {"output_limit"}),
    ("bash", "echo {n}; x=$(head -c 100M /dev/zero | tr '\\0' x); exit 1", {"memory_bytes": 16 * MIB}, {"memory_limit", "signaled"}),
    ("bash", "echo {n}; head -c 10M /dev/zero > x || exit 1", {"box_bytes": 2 * MIB}, {"disk_limit"}),
]


def storm(server):
    def one(i):
        nonce = f"nonce-{i}-{random.randrange(1 << 60):x}"
        language, code, limits, statuses = STORM_JOBS[i % len(STORM_JOBS)]
        answer = server.post("/v1/run", job(language, code.format(n=nonce), limits=limits), timeout=120)
        return nonce, statuses, answer

    refused = 0
    with concurrent.futures.ThreadPoolExecutor(STORM) as pool:
        for nonce, statuses, answer in pool.map(one, range(STORM)):
            if answer.status_code in (429, 503):
                refused += 1
                assert "Retry-After" in answer.headers
                continue
            result = answer.json()
            assert result["status"] in statuses, (statuses, result)
            lines = set(result["stages"]["run"]["stdout"].split())
            assert lines and all(line == nonce or nonce.startswith(line) for line in lines), (nonce, lines)
    assert refused < STORM / 2


def poisoned_artifacts(server):
    honest = '#include <stdio.h>\nint main(void) { puts("honest %s"); }\n'
    poison = """
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    system("chmod -R u+w /box/.glimpse 2>/dev/null; mv /box/.glimpse/main /box/.glimpse/old;"
           "printf '#!/bin/sh\\necho HOLE\\n' > /box/.glimpse/main; chmod 755 /box/.glimpse/main; /box/.glimpse/main | tr H h");
    puts("poisoned %s");
}
"""
    word = f"{random.randrange(1 << 60):x}"
    for _ in range(3):
        for code, wanted in ((poison % word, f"poisoned {word}"), (honest % word, f"honest {word}")):
            answer, stage = run(server, job("c", code))
            assert answer["status"] == "ok" and wanted in stage["stdout"] and "HOLE" not in stage["stdout"], answer
    # The same source, compiled as other languages and under other names, is another program.
    same = 'int main(void) { return sizeof \'a\'; }\n'
    assert run(server, job("c", same))[1]["exit_code"] == 4
    assert run(server, job("cpp", same))[1]["exit_code"] == 1
    assert run(server, job("c", same))[1]["exit_code"] == 4


def memory_peak(server):
    _, stage = run(server, job("python", "x = bytearray(50 << 20); del x", limits={"memory_bytes": 128 * MIB}))
    assert stage["status"] == "ok" and 50 * MIB <= stage["memory_bytes"] <= 80 * MIB, stage
    code = "import os\nfor i in range(3):\n  for f in ('/usr/bin', '/usr/lib/x86_64-linux-gnu'):\n    for e in os.scandir(f):\n" \
           "      if e.is_file(): open(e.path, 'rb').read(1 << 20)\nprint('end')"
    answer, stage = run(server, job("python", code, limits=slowed({"memory_bytes": 24 * MIB, "wall_time_ms": 10000, "cpu_time_ms": 8000})))
    assert answer["status"] == "ok" and stage["stdout"] == "end\n", answer


def oom_collateral(server):
    code = "x = []\nwhile True: x.append(bytearray(1 << 20))"
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        # Time enough, on few CPUs: it is the memory that has to end them.
        limits = {"wall_time_ms": 60000, "cpu_time_ms": 60000}
        answers = list(pool.map(lambda _: server.run(job("python", code, limits=limits)), range(20)))
    assert {answer["status"] for answer in answers} == {"memory_limit"}, [a["message"] for a in answers]
