"""Files: those that come as they are (multipart/form-data), and those that a program leaves (`collect`)."""
import base64
import concurrent.futures
import json
import subprocess

import pytest

import glimpse_server

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(20))
MANY, MOST_BYTES = 256, 16 << 20


def left(server, code, collect, language="bash", **request):
    """{name: content}, and how many were omitted."""
    answer = server.run({"language": language, "code": code, "collect": collect, **request})
    files = {}
    for file in answer["files"]:
        content = base64.b64decode(file["content"]) if file["encoding"] == "base64" else file["content"].encode()
        assert len(content) == file["size"]
        files[file["name"]] = content
    assert list(files) == sorted(files)
    return files, answer["files_omitted"]


@pytest.mark.parametrize("request_", [{}, {"collect": None}, {"collect": []}])
def test_without_collect_there_are_none(server, request_):
    answer = server.run({"language": "bash", "code": "echo x > x", **request_})
    assert "files" not in answer and "files_omitted" not in answer


@pytest.mark.parametrize("patterns, names", [
    (["a.txt"], ["a.txt"]),
    (["*.txt"], ["a.txt", "b.txt"]),
    (["?.txt", "*"], ["a.txt", "b.txt", "main.sh", "noext"]),
    (["out/*.csv"], ["out/1.csv", "out/2.csv"]),
    (["out/*/*"], ["out/deep/x"]),
    (["*/*/*", "out/deep/x"], ["out/deep/x"]),
    ([".*"], [".hidden"]),
    (["out", "out/deep"], []),
    (["none", "no/such/*", "a.txt/x"], []),
])
def test_patterns(server, patterns, names):
    code = "mkdir -p out/deep; echo 1 | tee a.txt b.txt noext .hidden out/1.csv out/2.csv out/deep/x >/dev/null"
    assert left(server, code, patterns) == (dict.fromkeys(names, b"1\n") | ({"main.sh": code.encode()} if "main.sh" in names else {}), 0)


@pytest.mark.parametrize("language, code", [
    ("python", "open('o.png', 'wb').write(bytes({data}))"),
    ("c", "#include <stdio.h>\nint main(void) {{ unsigned char b[] = {{{list}}}; fwrite(b, 1, sizeof b, fopen(\"o.png\", \"wb\")); return 0; }}"),
    ("javascript", "require('fs').writeFileSync('o.png', Buffer.from({data}))"),
])
def test_bytes_come_as_they_are(server, language, code):
    data = list(PNG)
    code = code.format(data=data, list=", ".join(map(str, data)))
    answer = server.run({"language": language, "code": code, "collect": ["*.png"]})
    assert answer["files"] == [{"name": "o.png", "media_type": "image/png", "size": len(PNG), "encoding": "base64",
                                "content": base64.b64encode(PNG).decode()}]


def test_media_types(server):
    code = "\n".join(["printf 'GIF89a...' > picture", "printf '\\xff\\xd8\\xff\\xe0' > photo.txt", "printf 'RIFF....WEBPVP8 ' > w", "echo '<svg/>' > v.SVG", "echo {} > d.json",
                      "echo hi > t", "printf '\\xff\\xfe' > b"])
    answer = server.run({"language": "bash", "code": code, "collect": ["?", "picture", "photo.txt", "v.SVG", "d.json"]})
    assert {file["name"]: file["media_type"] for file in answer["files"]} == {
        "picture": "image/gif", "photo.txt": "image/jpeg", "w": "image/webp", "v.SVG": "image/svg+xml", "d.json": "application/json", "t": "text/plain",
        "b": "application/octet-stream"}


def test_encoding_follows_the_request(server):
    answer = server.run({"language": "bash", "code": "printf ok > a", "collect": ["a"], "output_encoding": "base64"})
    assert answer["files"][0] | {"encoding": "base64", "content": "b2s="} == answer["files"][0]


@pytest.mark.parametrize("end, limits, status", [
    ("exit 3", {}, "runtime_error"),
    ("kill -SEGV $$", {}, "signaled"),
    ("sleep 30", {"wall_time_ms": 300}, "wall_time_limit"),
])
def test_they_come_however_it_ends(server, end, limits, status):
    answer = server.run({"language": "bash", "code": f"echo x > x; {end}", "collect": ["x"], "limits": {"run": limits}})
    assert (answer["status"], [file["name"] for file in answer["files"]]) == (status, ["x"])


def test_none_come_from_a_box_that_is_gone(server):
    answer = server.run({"language": "bash", "code": "echo x > x; while :; do :; done", "collect": ["x"], "limits": {"run": {"cpu_time_ms": 100}}})
    assert (answer["status"], answer["files"], answer["files_omitted"]) == ("cpu_time_limit", [], 0)


def test_a_program_that_does_not_compile_leaves_none(server):
    answer = server.run({"language": "c", "code": "int main(void) { return x; }", "collect": ["*"]})
    assert (answer["status"], answer["files"]) == ("compile_error", [])


def test_bounds(server):
    files, omitted = left(server, f"for i in $(seq {MANY + 9}); do echo > f$i; done", ["f*"])
    assert (len(files), omitted) == (MANY, 9)
    code = "head -c 9000000 /dev/zero > a; head -c 9000000 /dev/zero > b; echo > c; truncate -s 17M d"
    files, omitted = left(server, code, ["a", "b", "c", "d"])
    assert (set(files), omitted) == ({"a", "c"}, 2)
    files, omitted = left(server, f"head -c {MOST_BYTES - 100} /dev/zero > a", ["*a"])
    assert (len(files["a"]), omitted) == (MOST_BYTES - 100, 0)


def test_many_answers_at_once_keep_their_files_apart(server):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for n, (files, omitted) in enumerate(pool.map(lambda n: left(server, f"echo {n} > mine", ["mine"]), range(24))):
            assert (files, omitted) == ({"mine": f"{n}\n".encode()}, 0)


HOSTILE = r"""
import os, socket
os.makedirs("out/in"); os.chdir("out")
for target in ("/etc/passwd", "/proc/self/environ", "../main.py", "/", "/proc/1/root/etc/passwd"):
    os.symlink(target, target.replace("/", "_") + ".l")
os.symlink("/etc", "in/etc"); os.symlink(".", "in/self")
os.mkfifo("fifo.l"); socket.socket(socket.AF_UNIX).bind("socket.l")
open("closed.l", "w").close(); os.chmod("closed.l", 0)
os.mkdir("folder.l"); os.mkdir("shut"); open("shut/x.l", "w").close(); os.chmod("shut", 0)
open(b"bytes\xff\n.l", "w").write("odd"); open("\u202e'\"<b>.l", "w").write("quotes")
open("hard", "w").write("one file"); os.link("hard", "hard.l")
deep = "."
for _ in range(40):
    deep += "/d" * 20; os.makedirs(deep, exist_ok=True)
    open(deep + "/x.l", "w").close() if len(deep) < 4000 else None
open("n" * 250 + ".l", "w").close()
"""


def test_hostile_files(server):
    """Links lead nowhere, what is no file is none, and names are only names."""
    files, omitted = left(server, HOSTILE, ["out/*.l", "out/*/*.l", "out/*/*", "out/*/*/*", "out/in/etc/passwd", "out/in/self/in/self/hard"], language="python")
    assert files == {"out/bytes\ufffd\n.l": b"odd", "out/\u202e'\"<b>.l": b"quotes", "out/hard.l": b"one file"}
    assert omitted == 1  # the one with the long name


def test_a_pattern_that_is_slow_elsewhere(server):
    pattern = "*a" * 100 + "b"
    assert left(server, f"for i in $(seq 50); do echo > {'a' * 240}$i; done", [pattern] * 32) == ({}, 0)


def test_links_made_while_they_are_collected(server):
    """Nobody is left to swap a file for a link: all are dead before."""
    code = ("import os, sys\nif os.fork() == 0:\n os.setsid()\n while True:\n  for make in (lambda: os.symlink('/etc/passwd', 't'), lambda: open('t', 'w').write('mine')):\n"
            "   try: os.unlink('t')\n   except OSError: pass\n   make()\n")
    for _ in range(10):
        files, _ = left(server, code, ["t"], language="python")
        assert files in ({}, {"t": b"mine"}, {"t": b""})


@pytest.mark.parametrize("collect, field", [
    ("x", "collect"), ({}, "collect"), (["a"] * 33, "collect"), ([1], "collect[0]"), (["a", ""], "collect[1]"), (["/etc/passwd"], "collect[0]"), (["../x"], "collect[0]"),
    (["a/../b"], "collect[0]"), (["a//b"], "collect[0]"), (["x" * 256], "collect[0]"), (["a/" * 16 + "b"], "collect[0]"), (["a\nb"], "collect[0]"), (["-rf"], "collect[0]"),
])
def test_bad_patterns(server, problem, collect, field):
    problem(server.post("/v1/run", {"language": "bash", "code": "", "collect": collect}), 422, field)


# --- multipart/form-data ---------------------------------------------------------------------

SHOW = "import sys\nprint([(n, open(n, 'rb').read()) for n in sys.argv[1:]], sys.stdin.buffer.read())"


def post_form(server, parts, **headers):
    """parts: (name, file name or None, content)."""
    files = [(name, (filename, content)) for name, filename, content in parts]
    return server.post("/v1/run", None, files=files, headers=headers)


def form(request, *parts):
    return [("request", None, json.dumps(request)), *parts]


def test_a_form(server):
    every_byte = bytes(range(256)) * 300 + b"\r\n--x\r\n"
    answer = post_form(server, form({"language": "python", "args": ["a.bin", "d/empty", "main.py"], "limits": {"run": {"output_bytes": 16000000}}},
                                    ("files", "main.py", SHOW), ("files", "a.bin", every_byte), ("stdin", None, b"\0\xff\n"), ("files", "d/empty", b"")))
    assert answer.status_code == 200, answer.text
    assert answer.json()["stages"]["run"]["stdout"] == f"{[('a.bin', every_byte), ('d/empty', b''), ('main.py', SHOW.encode())]} {bytes([0, 255, 10])}\n"


def test_the_order_of_parts_does_not_matter(server):
    parts = form({"language": "bash"}, ("files", "main.sh", "cat; cat b"), ("files", "b", "B"), ("stdin", None, "in"))
    for order in (parts, [parts[3], *parts[:3]], [parts[1], parts[2], parts[0], parts[3]]):
        assert post_form(server, order).json()["stages"]["run"]["stdout"] == "inB"


def test_files_of_the_object_come_first(server):
    request = {"language": "bash", "files": [{"name": "first.sh", "content": "echo first; cat more"}]}
    assert post_form(server, form(request, ("files", "more", "and more"))).json()["stages"]["run"]["stdout"] == "first\nand more"


def test_curl_sends_files_of_a_disk(server, tmp_path):
    (tmp_path / "data.bin").write_bytes(PNG)
    result = subprocess.run(["curl", "-s", server.url + "/v1/run", "-F", 'request={"language": "bash", "collect": ["data.bin"]}', "-F", "files=cat;filename=x.sh",
                             "-F", f"files=@{tmp_path / 'data.bin'}", "-F", f"stdin=@{tmp_path / 'data.bin'}"], stdout=subprocess.PIPE, check=True)
    answer = json.loads(result.stdout)
    assert answer["stages"]["run"]["binary"] is True
    assert base64.b64decode(answer["files"][0]["content"]) == PNG


@pytest.mark.parametrize("parts, status, field", [
    ([("files", "main.py", "x")], 422, None),
    (form({"language": "python"}), 422, "code"),
    (form({"language": "nope"}, ("files", "main.py", "")), 422, "language"),
    (form({"language": "python"}, ("files", None, "x")), 422, "files"),
    (form({"language": "python"}, ("files", "../x", "x")), 422, "files"),
    (form({"language": "python"}, ("files", "a", "x"), ("files", "a", "x")), 422, "files"),
    (form({"language": "python", "files": [{"name": "a", "content": ""}]}, ("files", "a", "x")), 422, "files"),
    (form({"language": "python", "code": "1"}, ("files", "a", "x")), 422, "files"),
    (form({"language": "python", "code": "1", "stdin": "a"}, ("stdin", None, "x")), 422, "stdin"),
    (form({"language": "python", "code": "1"}, ("stdin", None, "x"), ("stdin", None, "y")), 422, None),
    (form({"language": "python", "code": "1"}, ("other", None, "x")), 422, None),
    (form({"language": "python", "code": "1"}, ("request", None, "{}")), 422, None),
    ([("request", None, "{")], 400, None),
    ([("request", None, "")], 400, None),
    (form({"language": "python"}, *[("files", f"f{i}", "") for i in range(257)]), 422, "files"),
])
def test_bad_forms(server, problem, parts, status, field):
    problem(post_form(server, parts), status, field)


@pytest.mark.parametrize("type_, body", [
    ("multipart/form-data", b"--x\r\n\r\n--x--"), ("multipart/form-data; boundary=", b"x"), ("multipart/form-data; boundary=x", b""),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n{\"language\": \"bash\", \"code\": \"\"}"),
    ("multipart/form-data; boundary=x", b"no such boundary"), ("multipart/form-data; boundary=" + "x" * 5000, b"x"),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\nnameless\r\n--x--\r\n"),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\"" + b"n" * 9000 + b"\"\r\n\r\nx\r\n--x--\r\n"),
])
def test_forms_that_are_none(server, type_, body):
    answer = server.post("/v1/run", body, headers={"Content-Type": type_})
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("headers, status", [
    ({"Origin": "https://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": "{url}"}, 200), ({}, 200),
])
def test_pages_of_other_origins_post_no_forms(server, headers, status):
    headers = {name: value.format(url=server.url) for name, value in headers.items()}
    assert post_form(server, form({"language": "bash", "code": "echo"}), **headers).status_code == status


def test_the_size_of_a_body_can_be_set(problem):
    with glimpse_server.Server({"body_max": "64K"}) as small:
        assert small.post("/v1/run", {"language": "bash", "code": "#" * 60000}).status_code == 200
        answer = small.post("/v1/run", {"language": "bash", "code": "#" * 70000})
        assert "65536" in problem(answer, 413)
