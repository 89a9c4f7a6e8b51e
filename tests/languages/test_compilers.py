"""A compile stage that takes a short way does what the plain command does, as far as anybody can tell.

Each program goes to two servers. One has the languages as they are, the other has the plain command in their place; what
the compiler says, what the program prints and how both end must be the same bytes.
"""
import base64
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from glimpse_server import ROOT, Server

HERE = pathlib.Path(__file__).parent
# What stands in [compile], word for word, without any help of ours.
PLAIN = {
    "go": "/bin/sh {dir}/plain.sh {main}",
}
GO_MAIN = "package main\n\n"


def several(**files):
    return {"files": [{"name": name.replace("__", "/"), "content": content} for name, content in files.items()]}


def named(*files):
    return {"files": [{"name": name, "content": content} for name, content in files]}


GO = {
    "hello": GO_MAIN + 'import "fmt"\n\nfunc main() { fmt.Println("Hello, world!") }\n',
    "no imports": GO_MAIN + 'func main() { println("to stderr") }\n',
    "renamed, blank and dot imports": GO_MAIN + 'import (\n\tf "fmt"\n\t. "strings"\n\t_ "net/http/pprof"\n)\n\nfunc main() { f.Println(ToUpper("x")) }\n',
    "raw import path": GO_MAIN + "import `fmt`\n\nfunc main() { fmt.Println(1) }\n",
    "unsafe": GO_MAIN + 'import (\n\t"fmt"\n\t"unsafe"\n)\n\nfunc main() { fmt.Println(unsafe.Sizeof(int32(0))) }\n',
    "a wide part of the library": GO_MAIN + 'import (\n\t"archive/zip"\n\t"crypto/tls"\n\t"database/sql"\n\t"encoding/json"\n\t"fmt"\n\t"html/template"\n\t"image/png"\n'
                                  '\t"math/big"\n\t"net/http"\n\t"os/user"\n\t"regexp"\n\t"text/tabwriter"\n\t"time"\n)\n\nfunc main() {\n'
                                  '\tvar _ zip.Reader; var _ tls.Config; var _ sql.DB; var _ template.Template; var _ png.Encoder; var _ tabwriter.Writer\n'
                                  '\tb, _ := json.Marshal(1); u, _ := user.Current()\n'
                                  '\tfmt.Println(b, big.NewInt(7), http.StatusOK, u.Username, regexp.MustCompile("a"), time.Second)\n}\n',
    "build information": GO_MAIN + 'import (\n\t"fmt"\n\t"os"\n\t"runtime"\n\t"runtime/debug"\n)\n\nfunc main() {\n\tfmt.Println(debug.ReadBuildInfo())\n'
                         '\tfmt.Println(runtime.Version(), runtime.GOROOT(), runtime.Compiler, runtime.GOOS, os.Args)\n\t_, file, line, _ := runtime.Caller(0)\n\tfmt.Println(file, line)\n}\n',
    "panic": GO_MAIN + "type T struct{ a []int }\n\nfunc (t *T) get(i int) int { return t.a[i] }\n\nfunc main() {\n\tdefer func() { panic(recover()) }()\n\t(&T{}).get(3)\n}\n",
    "all goroutines": GO_MAIN + 'import "time"\n\nfunc wait() { select {} }\n\nfunc main() {\n\tgo wait()\n\ttime.Sleep(10 * time.Millisecond)\n\tpanic("x")\n}\n',
    "deadlock": GO_MAIN + "func main() { <-make(chan int) }\n",
    "nil map": GO_MAIN + "func main() {\n\tvar m map[string]int\n\tm[\"a\"] = 1\n}\n",
    "stack overflow": GO_MAIN + "func f(n int) int { return f(n+1) + 1 }\n\nfunc main() { f(0) }\n",
    "exit status": GO_MAIN + 'import "os"\n\nfunc main() { os.Exit(3) }\n',
    "generics": GO_MAIN + 'import "fmt"\n\nfunc sum[T int | float64](all ...T) (t T) {\n\tfor _, x := range all {\n\t\tt += x\n\t}\n\treturn\n}\n\nfunc main() { fmt.Println(sum(1, 2), sum(.5)) }\n',
    "two files": several(**{"main.go": GO_MAIN + "func main() { println(f()) }\n", "f.go": GO_MAIN + "func f() int { return 7 }\n"}),
    "two files, and a panic in the other": several(**{"main.go": GO_MAIN + "func main() { f() }\n", "f.go": GO_MAIN + 'func f() { panic("f") }\n'}),
    "files in a folder": several(**{"src__main.go": GO_MAIN + "func main() { f() }\n", "src__f.go": GO_MAIN + 'func f() { panic("f") }\n', "g.go": "nonsense"}),
    "order of initialisation": named(("z.go", GO_MAIN + 'func init() { println("z") }\n\nfunc main() {}\n'), ("a.go", GO_MAIN + 'func init() { println("a") }\n'),
                                     ("M.go", GO_MAIN + 'func init() { println("M") }\n')),
    "a test file is left out": several(**{"main.go": GO_MAIN + "func main() {}\n", "main_test.go": "package main\n\nnonsense\n"}),
    "a module": several(**{"main.go": GO_MAIN + 'import "example.com/m/lib"\n\nfunc main() { println(lib.X) }\n', "lib__x.go": "package lib\n\nconst X = 5\n",
                           "go.mod": "module example.com/m\n\ngo 1.19\n"}),
    "embed": named(("main.go", GO_MAIN + 'import (\n\t_ "embed"\n)\n\n//go:embed words.txt\nvar words string\n\nfunc main() { println(words) }\n'), ("words.txt", "grüße")),
    "linkname": GO_MAIN + 'import _ "unsafe"\n\n//go:linkname nanotime runtime.nanotime\nfunc nanotime() int64\n\nfunc main() { println(nanotime() > 0) }\n',
    "noinline": GO_MAIN + "//go:noinline\nfunc f() int { return 1 }\n\nfunc main() { println(f()) }\n",
    "constraint": several(**{"main.go": GO_MAIN + "func main() { println(f()) }\n", "f.go": "//go:build ignore\n\npackage main\n\nfunc f() int { return 1 }\n",
                             "g.go": "//go:build linux\n\npackage main\n\nfunc f() int { return 2 }\n"}),
    "old constraint": several(**{"main.go": GO_MAIN + "func main() { println(f()) }\n", "f.go": "// +build ignore\n\npackage main\n\nfunc f() int { return 1 }\n"}),
    "for another system": several(**{"main.go": GO_MAIN + "func main() { println(f()) }\n", "f_windows.go": GO_MAIN + "func f() int { return 1 }\n",
                                     "f_linux.go": GO_MAIN + "func f() int { return 2 }\n"}),
    "assembly beside it": named(("main.go", GO_MAIN + "func f() int\n\nfunc main() { println(f()) }\n"), ("f.s", "TEXT ·f(SB),4,$0-8\n\tMOVQ $9, ret+0(FP)\n\tRET\n")),
    "cgo": GO_MAIN + '// int f(void) { return 1; }\nimport "C"\n\nfunc main() { println(C.f()) }\n',
    "internal package": GO_MAIN + 'import "internal/abi"\n\nfunc main() { println(abi.FuncPCABI0) }\n',
    "package of the compiler": GO_MAIN + 'import "cmd/internal/obj"\n\nfunc main() { _ = obj.NOP }\n',
    "vendored package": GO_MAIN + 'import "golang.org/x/net/idna"\n\nfunc main() { _ = idna.Lookup }\n',
    "vendored package by its place": GO_MAIN + 'import "vendor/golang.org/x/net/idna"\n\nfunc main() { _ = idna.Lookup }\n',
    "relative import": several(**{"main.go": GO_MAIN + 'import "./lib"\n\nfunc main() { println(lib.X) }\n', "lib__x.go": "package lib\n\nconst X = 5\n"}),
    "no such package": GO_MAIN + 'import "no/such"\n\nfunc main() { such.F() }\n',
    "empty import": GO_MAIN + 'import ""\n\nfunc main() {}\n',
    "imports itself": GO_MAIN + 'import "main"\n\nfunc main() {}\n',
    "unused import": GO_MAIN + 'import "os"\n\nfunc main() {}\n',
    "import after a declaration": GO_MAIN + 'var x = 1\n\nimport "fmt"\n\nfunc main() { fmt.Println(x) }\n',
    "type error": GO_MAIN + 'func main() {\n\tvar s string = 1\n\tx := s + 2\n\treturn 3\n}\n',
    "eleven errors": GO_MAIN + "func main() {\n" + "".join(f"\ta{n} := {n}\n" for n in range(12)) + "}\n",
    "errors in two files": several(**{"main.go": GO_MAIN + "func main() { x }\n", "f.go": GO_MAIN + "func f() { y }\n"}),
    "error in a folder": several(**{"src__main.go": GO_MAIN + "func main() { x }\n"}),
    "syntax error": GO_MAIN + "func main() {\n\tif\n}\n",
    "unterminated": GO_MAIN + 'func main() { println("\n',
    "no package": "func main() {}\n",
    "another package": "package lib\n\nfunc F() {}\n",
    "two packages": several(**{"main.go": GO_MAIN + "func main() {}\n", "f.go": "package lib\n"}),
    "a module that is no program": several(**{"x.go": "package lib\n", "go.mod": "module example.com/lib\n"}),
    "no main": GO_MAIN + "func f() {}\n",
    "two mains": several(**{"main.go": GO_MAIN + "func main() {}\n", "f.go": GO_MAIN + "func main() {}\n"}),
    "main with a result": GO_MAIN + "func main() int { return 1 }\n",
    "no body": GO_MAIN + "func f()\n\nfunc main() { f() }\n",
    "empty": "",
    "NUL": GO_MAIN + "func main() {}\n\0",
    "BOM": "\ufeff" + GO_MAIN + 'func main() { println("x") }\n',
    "CRLF": 'package main\r\n\r\nimport "fmt"\r\n\r\nfunc main() { fmt.Printf("%q", `a\r\nb`) }\r\n',
    "not UTF-8": {"files": [{"name": "main.go", "content": base64.b64encode(b'package main\n\nfunc main() { println("\xff") }\n').decode(), "encoding": "base64"}]},
    "line directive": GO_MAIN + "//line other.go:100\nfunc main() { panic(1) }\n",
    "line directive, and an error": GO_MAIN + "//line other.go:100\nfunc main() { x }\n",
    "odd file names": named(("a b.go", GO_MAIN + "func main() { f() }\n"), ("ü.go", GO_MAIN + "func f() { panic(2) }\n")),
    "hidden file": named(("main.go", GO_MAIN + "func main() {}\n"), (".x.go", "nonsense")),
    "a folder with the suffix": named(("main.go", GO_MAIN + "func main() {}\n"), ("x.go/y", "")),
    "main of another suffix": named(("main.txt", GO_MAIN + "func main() {}\n")),
    "work file": named(("main.go", GO_MAIN + "func main() {}\n"), ("go.work", "go 1.19\n\nuse .\n")),
    "stdin and arguments": {"code": GO_MAIN + 'import (\n\t"fmt"\n\t"os"\n)\n\nfunc main() {\n\tvar n int\n\tfmt.Scan(&n)\n\tfmt.Println(n, os.Args)\n}\n', "stdin": "5", "args": ["a", "-b"]},
}

# Put into a box with the compile stage's own command, and the plain one made to fail: the short way is taken where it works.
IN_A_BOX = {
    "go": "GOFLAGS=-none GOMEMLIMIT=400MiB /opt/glimpse/toolchains/golang/build {main}",
}
# What is left to the plain command, and works there; what has an error is so too.
TAKES_THE_LONG_WAY = {
    "go": {"a module", "embed", "constraint", "for another system", "assembly beside it", "linkname", "noinline", "old constraint", "work file"},
}

PROGRAMS = {"go": GO}
CASES = [(language, name) for language, programs in PROGRAMS.items() for name in programs]


@pytest.fixture(scope="module")
def servers():
    # Not pytest's tmp_path: glimpsed, which is not root, must be able to read it.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="glimpse-plain-"))
    folder.chmod(0o755)
    try:
        shutil.copytree(ROOT / "languages", folder / "languages", ignore=shutil.ignore_patterns("__pycache__"))
        for language, command in PLAIN.items():
            ini = folder / "languages" / language / "language.ini"
            text, n = re.subn(r"(?m)(?<=^\[compile\]\n)command = .*$", f"command = {command}".replace("\\", r"\\"), ini.read_text())
            assert n == 1
            ini.write_text(text)
        shutil.copy(HERE / "plain/go.sh", folder / "languages/go/plain.sh")
        subprocess.run(["chmod", "-R", "go-w", folder], check=True)
        with Server(config={"cache": 0}) as short, Server(config={"cache": 0, "languages_dir": folder / "languages"}) as plain:
            yield short, plain
    finally:
        shutil.rmtree(folder)


# Addresses are another each time, as are the numbers of goroutines and threads; the program is told so by the kernel.
VARYING = re.compile(r"0x[0-9a-f]+|goroutine \d+|m=\d+")


def told(stage):
    if stage is None:
        return None
    return {key: VARYING.sub("?", value) if isinstance(value, str) else value
            for key, value in stage.items() if key not in ("wall_ms", "cpu_ms", "memory_bytes")}


@pytest.mark.parametrize(("language", "name"), CASES, ids=[f"{language}: {name}" for language, name in CASES])
def test_same_as_the_plain_command(servers, language, name):
    program = PROGRAMS[language][name]
    request = {"language": language, **(program if isinstance(program, dict) else {"code": program})}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        short, plain = pool.map(lambda server: server.run(request), servers)
    assert short["status"] == plain["status"]
    assert short["message"] == plain["message"]
    for stage in ("compile", "run"):
        assert told(short["stages"][stage]) == told(plain["stages"][stage])


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_short_way_is_taken(servers, language):
    """By all that it is made for, and by nothing else."""
    programs = {name: program if isinstance(program, dict) else {"code": program} for name, program in PROGRAMS[language].items()}

    def made(name):
        program = programs[name]
        files = program.get("files") or [{"name": f"main.{language}", "content": program["code"]}]
        script = f"mkdir .glimpse; {IN_A_BOX[language].replace('{main}', chr(39) + files[0]['name'] + chr(39))} 2>&1 && [ -x .glimpse/main ]"
        limits = {"memory_bytes": 1 << 30, "processes": 256}
        return servers[0].run({"language": "bash", "files": [{"name": "make.sh", "content": script}, *files], "limits": {"run": limits}})["status"] == "ok"
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        taken = {name for name, done in zip(programs, pool.map(made, programs)) if done}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        sound = {name for name, result in zip(programs, pool.map(lambda name: servers[1].run({"language": language, **programs[name]}), programs))
                 if result["stages"]["compile"]["status"] == "ok"}
    assert taken == sound - TAKES_THE_LONG_WAY[language]
