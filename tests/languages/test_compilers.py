"""A compile stage that takes a short way does what the plain command does, as far as anybody can tell.

Each program goes to two servers. One has the languages as they are, the other has the plain command in their place; what
the compiler says, what the program prints and how both end must be the same bytes.
"""
import base64
import concurrent.futures
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile

import pytest

from glimpse_server import ROOT, Server

HERE = pathlib.Path(__file__).parent
# What stands in [compile], word for word, without any help of ours.
PLAIN = {
    "c": "/usr/bin/gcc -std=gnu17 -O2 -o .glimpse/main {sources} -lm -pthread",
    "cpp": "/usr/bin/g++ -std=gnu++20 -O2 -o .glimpse/main {sources} -pthread",
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

C_MAIN = "#include <stdio.h>\n\n"

C = {
    "hello": C_MAIN + 'int main(void) { puts("Hello, world!"); return 0; }\n',
    "no headers": "int main(void) { return 3; }\n",
    "macros of the place": C_MAIN + 'int main(void) { printf("%s %s %d %d\\n", __FILE__, __BASE_FILE__, __LINE__, __INCLUDE_LEVEL__); return __COUNTER__; }\n',
    "predefined macros": C_MAIN + '#define S(x) #x\n#define T(x) S(x)\nint main(void) { puts(T(__VERSION__) T(__STDC_VERSION__) T(__OPTIMIZE__) T(_REENTRANT) T(__pie__) T(__PIC__) '
                         'T(__SSE2__) T(__GNUC_STDC_INLINE__) T(_GNU_SOURCE) T(NDEBUG)); }\n',
    "feature macros": "#define _GNU_SOURCE\n#include <stdio.h>\n#include <string.h>\nint main(void) { char *s = strdupa(\"x\"); char *t; asprintf(&t, \"%s!\", s); puts(strchrnul(t, '!')); }\n",
    "without the feature macro": C_MAIN + "#include <string.h>\nint main(void) { puts(strchrnul(\"a!b\", '!')); }\n",
    "assert": "#include <assert.h>\nint main(void) { assert(1 + 1 == 3); }\n",
    "NDEBUG": "#define NDEBUG\n#include <assert.h>\nint main(void) { assert(0); return 4; }\n",
    "date and time": C_MAIN + 'int main(void) { printf("%zu %zu\\n", sizeof __DATE__, sizeof __TIME__); }\n',
    "threads": C_MAIN + '#include <pthread.h>\n#include <threads.h>\nstatic void *f(void *a) { return a; }\nint main(void) { pthread_t t; void *r; pthread_create(&t, 0, f, "x"); pthread_join(t, &r); puts(r); }\n',
    "mathematics": C_MAIN + '#include <math.h>\n#include <stdlib.h>\nint main(int c, char **v) { (void)v; printf("%.17g %.17g\\n", sin(c), lgamma(c + .5)); }\n',
    "two files": named(("main.c", "int f(void);\nint main(void) { return f(); }\n"), ("f.c", "int f(void) { return 7; }\n")),
    "many files": named(("main.c", "".join(f"int f{n}(void);\n" for n in range(12)) + "int main(void) { return " + "+".join(f"f{n}()" for n in range(12)) + "; }\n"),
                        *((f"f{n}.c", f"int f{n}(void) {{ return {n}; }}\n") for n in range(12))),
    "headers of its own": named(("main.c", '#include "a.h"\n#include "lib/b.h"\nint main(void) { return A + B; }\n'), ("a.h", "#pragma once\n#define A 1\n"), ("lib/b.h", "#define B 2\n")),
    "files of one name": named(("main.c", "int f(void);\nint main(void) { return f(); }\n"), ("lib/main.c", "static int x = 5;\nint f(void) { return x; }\n")),
    "constructors": C_MAIN + '__attribute__((constructor(201))) static void b(void) { puts("b"); }\n__attribute__((constructor(102))) static void a(void) { puts("a"); }\n'
                    '__attribute__((destructor)) static void d(void) { puts("d"); }\nint main(void) { puts("main"); }\n',
    "weak, alias, section, common": C_MAIN + 'int weak(void) __attribute__((weak));\nint one(void) { return 1; }\nint two(void) __attribute__((alias("one")));\n'
                                    'static const int in[] __attribute__((section("mine"), used)) = {4, 5};\nextern const int __start_mine[], __stop_mine[];\nint common;\n'
                                    'int main(void) { printf("%d %d %td %d\\n", weak != 0, two(), __stop_mine - __start_mine, common); }\n',
    "indirect function": C_MAIN + 'static int f(void) { return 9; }\nstatic int (*choose(void))(void) { return f; }\nint g(void) __attribute__((ifunc("choose")));\nint main(void) { printf("%d\\n", g()); }\n',
    "thread-local": C_MAIN + '_Thread_local int t = 3;\nint main(void) { printf("%d\\n", t++ + t); }\n',
    "large arrays": C_MAIN + 'static char zeros[50 << 20];\nint main(void) { zeros[1 << 20] = 1; printf("%zu\\n", sizeof zeros); }\n',
    "nested function": C_MAIN + 'static int call(int (*f)(int)) { return f(1); }\nint main(void) { int n = 4; int add(int x) { return x + n; } printf("%d\\n", call(add)); }\n',
    "assembly": C_MAIN + '__asm__(".globl five\\nfive: mov $5, %eax\\nret");\nint five(void);\nint main(void) { printf("%d\\n", five()); }\n',
    "assembly that wants a stack": C_MAIN + '__asm__(".section .note.GNU-stack,\\"x\\",@progbits\\n.text");\nint main(void) { puts("x"); }\n',
    "wrong assembly": "int main(void) { __asm__(\"nonsense %eax\"); }\n",
    "dangerous function": C_MAIN + "char *gets(char *);\nint main(void) { char b[20]; gets(b); puts(b); }\n",
    "tmpnam": C_MAIN + "int main(void) { char b[L_tmpnam]; return tmpnam(b) == 0; }\n",
    "warning by default": C_MAIN + "int main(void) { int x = \"text\"; char c = 1000; return f(x + c); }\nint f(int x) { return x * 0; }\n",
    "#warning": "#warning beware\nint main(void) { return 0; }\n",
    "overflow in a constant": "int main(void) { return 1 << 40; }\n",
    "error": C_MAIN + "int main(void) { return a + b; }\n",
    "#error": "#error no\n",
    "error in a header": named(("main.c", '#include "a.h"\nint main(void) { return f(); }\n'), ("a.h", "int f(void) { return x; }\n")),
    "error in the second file": named(("main.c", "int main(void) { return 0; }\n"), ("f.c", "int f(void) { return\n")),
    "no such header": "#include <no/such.h>\nint main(void) { return 0; }\n",
    "undefined function": "int f(void);\nint main(void) { return f(); }\n",
    "two definitions": named(("main.c", "int f(void) { return 1; }\nint main(void) { return f(); }\n"), ("f.c", "int f(void) { return 2; }\n")),
    "two definitions of a variable": named(("main.c", "int x;\nint main(void) { return x; }\n"), ("f.c", "int x;\n")),
    "no main": "int f(void) { return 0; }\n",
    "empty": "",
    "unterminated comment": "int main(void) { return 0; }\n/* ",
    "NUL": "int main(void) { return 0; }\n\0",
    "include of itself": '#include __FILE__\nint main(void) { return 0; }\n',
    "include of a device": '#include "/dev/stdin"\nint main(void) { return 0; }\n',
    "#include_next and has_include": C_MAIN + "#if __has_include(<threads.h>)\nint main(void) { return 6; }\n#endif\n",
    "another suffix": named(("main.txt", "int main(void) { return 0; }\n")),
    "file names": named(("a b.c", "int f(void);\nint main(void) { return f(); }\n"), ("ü.c", C_MAIN + 'int f(void) { puts(__FILE__); return 0; }\n')),
    "a name like a response file": named(("@x.c", "int main(void) { return 0; }\n")),
    "C++ beside it": named(("main.c", "int main(void) { return 0; }\n"), ("x.cpp", "int x;\n")),
    "segmentation fault": "int main(void) { return *(volatile int *)1; }\n",
    "abort": "#include <stdlib.h>\nint main(void) { abort(); }\n",
    "backtrace": C_MAIN + '#include <execinfo.h>\nint main(void) { void *a[9]; printf("%d\\n", backtrace(a, 9) > 1); }\n',
    "arguments and input": {"code": C_MAIN + 'int main(int c, char **v) { int n; scanf("%d", &n); printf("%d %d %s %s\\n", n, c, v[0], v[1]); }\n', "stdin": "5", "args": ["a b"]},
}

HELLO = '#include <iostream>\nint main() { std::cout << "Hello, world!\\n"; }\n'
CPP = {
    "hello": HELLO,
    "bits": "#include <bits/stdc++.h>\nusing namespace std;\nint main() { vector<int> v{3, 1, 2}; sort(begin(v), end(v)); for (int x : v) cout << x << ' '; cout << endl; }\n",
    "several headers": "// A comment.\n/* Another,\n   of two lines. */\n#include <map>\n#include <iostream> // output\n# include <vector>\n#include<algorithm>\n#include <string>\n\n"
                       "int main() {\n    std::map<std::string, std::vector<int>> m;\n    m[\"a\"] = {3, 1, 2};\n    for (auto &[k, v] : m) {\n        std::ranges::sort(v);\n        for (int x : v) std::cout << k << x;\n    }\n}\n",
    "most headers": "#include <algorithm>\n#include <functional>\n#include <iostream>\n#include <map>\n#include <memory>\n#include <regex>\n#include <string>\n#include <thread>\n#include <vector>\n"
                    "int main() {\n    std::function<int(int)> f = [](int x) { return x + 1; };\n    auto p = std::make_shared<std::vector<int>>(3, 4);\n"
                    "    std::thread t([&] { (*p)[0] = f(1); });\n    t.join();\n    std::cout << (*p)[0] << std::regex_match(\"ab\", std::regex(\"a.\")) << '\\n';\n}\n",
    "mathematics": '#include <cmath>\n#include <iostream>\nint main(int c, char **) { std::cout.precision(17); std::cout << std::sin(c) << " " << std::abs(-1.5) << " " << std::beta(1.0, 2.5) << "\\n"; }\n',
    "a name that was not included": "#include <iostream>\nint main() { std::vector<int> v; }\n",
    "a name that was not included, in another set": "#include <iostream>\n#include <vector>\n#include <algorithm>\nint main() { std::map<int, int> m; std::cout << m.size(); }\n",
    "a name of its own that the library has": "#include <iostream>\nusing namespace std;\nint gcd(int a, int b) { return b ? gcd(b, a % b) : a; }\nint count = 3;\nstruct vector {};\nint size() { return 7; }\n"
                                              "int main() { vector v; (void)v; cout << gcd(12, 18) << count << size() << endl; }\n",
    "a name used before its header": "int x = INT_MAX;\n#include <climits>\nint main() {}\n",
    "a name used between headers": "#include <iostream>\nstd::vector<int> v;\n#include <vector>\nint main() {}\n",
    "macro before a header": "#define _GLIBCXX_DEBUG\n#include <iostream>\n#include <vector>\nint main() { std::vector<int> v; std::cout << v[3]; }\n",
    "assertions of the library": "#define _GLIBCXX_ASSERTIONS\n#include <iostream>\n#include <vector>\nint main() { std::vector<int> v; std::cout << v[3]; }\n",
    "NDEBUG": "#define NDEBUG\n#include <cassert>\n#include <iostream>\nint main() { assert(false); std::cout << 1; }\n",
    "NDEBUG between headers": "#include <iostream>\n#define NDEBUG\n#include <cassert>\nint main() { assert(false); std::cout << 1; }\n",
    "assert": "#include <iostream>\n#include <cassert>\nint main() { assert(std::cout.fail()); }\n",
    "macro over a library name": "#define vector list\n#include <iostream>\n#include <list>\nint main() { std::vector<int> v; std::cout << v.size(); }\n",
    "macro by a header of its own": named(("main.cpp", '#include "a.h"\n#include <iostream>\nint main() { std::cout << cout_is; }\n'), ("a.h", "#define cout_is 5\n#define private public\n")),
    "private made public": "#define private public\n#define protected public\n#include <iostream>\n#include <queue>\nint main() { std::queue<int> q; q.push(1); std::cout << q.c.size(); }\n",
    "pragma before a header": '#pragma GCC optimize("O3,unroll-loops")\n#pragma GCC target("sse4.2")\n#include <bits/stdc++.h>\nusing namespace std;\nint main() { cout << __builtin_popcount(7) << endl; }\n',
    "pragma once": "#pragma once\n#include <iostream>\nint main() { std::cout << 1; }\n",
    "condition before a header": "#if 1\n#include <iostream>\n#endif\nint main() { std::cout << 1; }\n",
    "header in a condition": "#include <iostream>\n#if 0\n#include <vector>\n#endif\nint main() { std::vector<int> v; }\n",
    "header in a comment": "#include <iostream>\n/*\n#include <vector>\n*/\n// \\\n#include <vector>\nint main() { std::vector<int> v; }\n",
    "header behind a line that goes on": "#include <iostream> // \\\n#include <vector>\nint main() { std::vector<int> v; }\n",
    "header in a string": 'const char *s = R"(\n#include <vector>\n)";\n#include <iostream>\nint main() { std::cout << s; }\n',
    "macro in an include": "#define H <iostream>\n#include H\nint main() { std::cout << 1; }\n",
    "comment in an include": "#include /* here */ <iostream>\n#/**/include <vector>\nint main() { std::vector<int> v; std::cout << v.size(); }\n",
    "quoted": '#include "iostream"\n#include "vector"\nint main() { std::vector<int> v; std::cout << v.size(); }\n',
    "shadowed by a file of its own": named(("main.cpp", '#include <iostream>\n#include "vector"\nint main() { std::cout << mine; }\n'), ("vector", "int mine = 8;\n")),
    "not shadowed in angles": named(("main.cpp", "#include <iostream>\n#include <vector>\nint main() { std::cout << std::vector<int>(3).size(); }\n"), ("vector", "#error mine\n"), ("iostream", "#error mine\n")),
    "trigraph": "#include <iostream>\n// ??/\n#include <vector>\nint main() { std::vector<int> v; std::cout << v.size(); }\n",
    "text behind an include": "#include <iostream> nonsense\nint main() { std::cout << 1; }\n",
    "no such header": "#include <iostream>\n#include <no_such>\nint main() {}\n",
    "import": "#import <iostream>\nint main() { std::cout << 1; }\n",
    "BOM": "\ufeff" + HELLO,
    "CRLF": HELLO.replace("\n", "\r\n"),
    "last line without its end": "#include <iostream>\nint main() { std::cout << 1; } // end",
    "only headers": "#include <iostream>",
    "macros of the place": "#include <iostream>\n#include <source_location>\nint main() { std::cout << __FILE__ << __BASE_FILE__ << __LINE__ << __INCLUDE_LEVEL__ << __COUNTER__ << __COUNTER__\n"
                           "    << std::source_location::current().file_name() << std::source_location::current().function_name() << __PRETTY_FUNCTION__ << '\\n'; }\n",
    "predefined macros": "#include <iostream>\n#define S(x) #x\n#define T(x) S(x) \" \"\nint main() { std::cout << T(__cplusplus) T(__VERSION__) T(__OPTIMIZE__) T(_REENTRANT) T(_GNU_SOURCE) T(__GLIBCXX__) T(__STRICT_ANSI__) T(__cpp_lib_ranges); }\n",
    "several files": named(("main.cpp", '#include <iostream>\n#include "a.hpp"\nint main() { std::cout << f({1, 2}) << g(); }\n'), ("a.hpp", "#pragma once\n#include <vector>\nint f(std::vector<int> v);\nint g();\n"),
                           ("f.cc", '#include <numeric>\n#include <vector>\n#include "a.hpp"\nint f(std::vector<int> v) { return std::accumulate(v.begin(), v.end(), 0); }\n'), ("g.cxx", "int g() { return 4; }\n")),
    "order of initialisation": named(("b.cpp", '#include <iostream>\nstruct B { B() { std::cout << "b"; } ~B() { std::cout << "~b"; } } b;\nint main() { std::cout << "main"; }\n'),
                                     ("a.cpp", '#include <iostream>\nstruct A { A() { std::cout << "a"; } ~A() { std::cout << "~a"; } } a;\n')),
    "exceptions": '#include <iostream>\n#include <stdexcept>\nint main() { try { throw std::out_of_range("x"); } catch (const std::exception &e) { std::cout << e.what(); } throw 5; }\n',
    "uncaught": '#include <vector>\nint main() { std::vector<int> v; v.at(3); }\n',
    "run-time types": '#include <iostream>\n#include <typeinfo>\nstruct A { virtual ~A() {} };\nstruct B : A {};\nint main() { A *a = new B; std::cout << typeid(*a).name() << (dynamic_cast<B *>(a) != nullptr); }\n',
    "coroutine, concept, lambda": "#include <concepts>\n#include <coroutine>\n#include <iostream>\nstruct G { struct promise_type { int v; G get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }\n"
                                  "    std::suspend_always initial_suspend() { return {}; } std::suspend_always final_suspend() noexcept { return {}; }\n"
                                  "    std::suspend_always yield_value(int x) { v = x; return {}; } void return_void() {} void unhandled_exception() {} };\n    std::coroutine_handle<promise_type> h; };\n"
                                  "G f() { for (int n = 0; ; n++) co_yield n; }\ntemplate <std::integral T> auto twice = [](T x) { return 2 * x; };\nint main() { auto g = f(); g.h(); g.h(); std::cout << twice<int>(g.h.promise().v); }\n",
    "instantiation of its own": '#include <iostream>\n#include <vector>\ntemplate class std::vector<double>;\ntemplate <> struct std::hash<int *> { };\nint main() { std::cout << std::vector<double>(2).size(); }\n',
    "addition to the library": "#include <iostream>\nnamespace std { template <class T> struct mine { T x; }; }\nstd::ostream &operator<<(std::ostream &o, std::mine<int> m) { return o << m.x; }\nint main() { std::cout << std::mine<int>{6}; }\n",
    "warning": "#include <iostream>\nint f() { }\nint main() { int x = 3.5; char c = 1000; std::cout << x << c << f; return 0; }\n",
    "warning in a template of the library": "#include <iostream>\n#include <vector>\n#include <memory>\nint main() { std::auto_ptr<int> p(new int(3)); std::cout << *p; }\n",
    "warning in the library's code": '#include <iostream>\n#include <cstring>\nint main() { char b[4]; std::memset(b, 0, 9); std::cout << b; }\n',
    "error": "#include <iostream>\nint main() { std::cout << a; }\n",
    "error in a template of the library": "#include <iostream>\n#include <vector>\n#include <algorithm>\nstruct A {};\nint main() { std::vector<A> v; std::sort(v.begin(), v.end()); }\n",
    "error with a suggestion": "#include <iostream>\nint main() { std::sting s; std::cuot << s; string t; }\n",
    "ambiguous": "#include <iostream>\n#include <algorithm>\nusing namespace std;\nint count = 1;\nint main() { cout << count; }\n",
    "static_assert": "#include <iostream>\nstatic_assert(sizeof(int) == 8, \"no\");\nint main() {}\n",
    "undefined function": "#include <iostream>\nvoid f(std::ostream &);\nint main() { f(std::cout); }\n",
    "two definitions": named(("main.cpp", "#include <iostream>\nint f() { return 1; }\nint main() { std::cout << f(); }\n"), ("f.cpp", "int f() { return 2; }\n")),
    "no main": "#include <iostream>\nint f() { return 0; }\n",
    "deep templates": "#include <iostream>\ntemplate <int N> struct F { static constexpr long v = F<N - 1>::v + N; };\ntemplate <> struct F<0> { static constexpr long v = 0; };\nint main() { std::cout << F<800>::v; }\n",
    "too deep templates": "#include <iostream>\ntemplate <int N> struct F { static constexpr long v = F<N + 1>::v; };\nint main() { std::cout << F<0>::v; }\n",
    "arguments and input": {"code": "#include <iostream>\n#include <string>\nint main(int c, char **v) { std::string s; while (std::getline(std::cin, s)) std::cout << s.size(); std::cout << c << v[1] << std::flush; return 9; }\n",
                            "stdin": "ab\nc\n", "args": ["x y"]},
}

# Run in a box, by a shell. Whether there is a program that came by the short way.
IN_A_BOX = {
    # `go build` is told what it refuses.
    "go": "GOFLAGS=-none GOMEMLIMIT=400MiB /opt/glimpse/toolchains/golang/build {main} 2>&1",
    # Before gcc does it all again, what was made is removed.
    "c": "/opt/glimpse/toolchains/gcc/build c /usr/bin/gcc -std=gnu17 -O2 -o .glimpse/main {sources} -lm -pthread 2>&1 && [ -e /tmp/glimpse-0.o ]",
    "cpp": "/opt/glimpse/toolchains/gcc/build cpp /usr/bin/g++ -std=gnu++20 -O2 -o .glimpse/main {sources} -pthread 2>&1 && [ -e /tmp/glimpse-0.o ]",
}
SUFFIXES = {"go": [".go"], "c": [".c"], "cpp": [".cpp", ".cc", ".cxx", ".C"]}
# What is left to the plain command, and works there. That has to say something, or is not what the short way is for.
TAKES_THE_LONG_WAY = {
    "go": {"a module", "embed", "constraint", "for another system", "assembly beside it", "linkname", "noinline", "old constraint", "work file"},
    "c": {"assembly that wants a stack", "nested function", "dangerous function", "tmpnam", "warning by default", "#warning", "overflow in a constant",
          "without the feature macro", "a name like a response file", "NUL"},
    "cpp": {"warning", "warning in a template of the library", "warning in the library's code", "pragma once", "text behind an include", "trigraph", "import"},
}

PROGRAMS = {"c": C, "cpp": CPP, "go": GO}
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


# What is another each time: addresses, numbers of goroutines and threads, names of temporary files.
VARYING = re.compile(r"0x[0-9a-f]+|goroutine \d+|m=\d+|(?<=/tmp/cc)\w{6}(?=\.o)")


def told(stage):
    if stage is None:
        return None
    return {key: VARYING.sub("?", value) if isinstance(value, str) else value
            for key, value in stage.items() if key not in ("wall_ms", "cpu_ms", "memory_bytes")}


def program_of(language, name):
    program = PROGRAMS[language][name]
    return program if isinstance(program, dict) else {"code": program}


def make_in_a_box(server, language, name, script):
    """The program's files, and a shell for MAKE, which makes a program of them; the result is that of the script."""
    program = program_of(language, name)
    files = program.get("files") or [{"name": f"main.{language}", "content": program["code"]}]
    names = [file["name"] for file in files]
    sources = [one for one in names if any(one.endswith(suffix) for suffix in SUFFIXES[language])] or names[:1]
    command = IN_A_BOX[language].replace("{main}", shlex.quote(names[0])).replace("{sources}", " ".join(map(shlex.quote, sources)))
    shell = {"name": "make.sh", "content": "mkdir .glimpse\n" + script.replace("MAKE", command)}
    limits = {"memory_bytes": 1 << 30, "processes": 256, "wall_time_ms": 60000, "cpu_time_ms": 60000}
    return server.run({"language": "bash", "files": [shell, *files], "limits": {"run": limits}})


@pytest.mark.parametrize(("language", "name"), CASES, ids=[f"{language}: {name}" for language, name in CASES])
def test_same_as_the_plain_command(servers, language, name):
    request = {"language": language, **program_of(language, name)}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        short, plain = pool.map(lambda server: server.run(request), servers)
    assert short["status"] == plain["status"]
    assert short["message"] == plain["message"]
    for stage in ("compile", "run"):
        assert told(short["stages"][stage]) == told(plain["stages"][stage])
    if plain["stages"]["compile"]["status"] == "ok":
        made = make_in_a_box(servers[0], language, name, "MAKE && [ -x .glimpse/main ]")["status"] == "ok"
        assert made == (name not in TAKES_THE_LONG_WAY[language])


@pytest.mark.parametrize(("name", "wanted"), [
    ("hello", "pch-iostream.h.gch"),
    ("bits", "pch-bits_stdc++.h.h.gch"),
    ("several headers", "pch-iostream-vector-map-algorithm.h.gch"),
    ("most headers", "pch-iostream-vector-map-algorithm-memory-functional.h.gch"),
    ("CRLF", "pch-iostream.h.gch"),
    ("a name used between headers", "pch-iostream.h.gch"),
    ("header in a condition", "pch-iostream.h.gch"),
    ("header in a comment", "pch-iostream.h.gch"),
    ("header behind a line that goes on", "pch-iostream.h.gch"),
    ("macro before a header", None),
    ("macro by a header of its own", None),
    ("pragma before a header", None),
    ("condition before a header", None),
    ("quoted", None),
    ("BOM", None),
    ("uncaught", None),
])
def test_precompiled_headers_that_are_used(servers, name, wanted):
    """As the memory of the compiler shows while it is at work."""
    watch = "(MAKE) & while kill -0 $! 2>/dev/null; do cat /proc/[0-9]*/maps 2>/dev/null | grep -o 'pch-.*gch'; done; exit 0"
    seen = make_in_a_box(servers[0], "cpp", name, watch)["stages"]["run"]["stdout"].split("\n")
    assert {line for line in seen if line.startswith("pch-")} == ({wanted} if wanted else set())


@pytest.mark.parametrize("change", [
    lambda steps: re.sub(r"(?m)^(unchanged \S+) \d+", r"\1 1", steps, count=1),           # another compiler
    lambda steps: re.sub(r"(?m)^(unchanged \S+stdio.h \d+) \d+", r"\1 1", steps),        # other headers
    lambda steps: steps.replace("-O2 -o .glimpse/main {sources}", "-O1 -o .glimpse/main {sources}"),  # other options
    lambda steps: re.sub(r"(?m)^assemble .*", "assemble /nonexistent", steps),
    lambda steps: re.sub(r"(?m)^link (.*)", r"link \1 -lnonexistent", steps),
    lambda steps: re.sub(r"(?m)^link .*\n", "", steps),
    lambda steps: "",
    None,
], ids=["compiler", "headers", "options", "no assembler", "linker fails", "no linker", "empty", "missing"])
def test_what_is_not_as_prepared_is_left_to_gcc(change):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="glimpse-tools-"))
    folder.chmod(0o755)
    try:
        prepared = pathlib.Path(os.environ.get("GLIMPSE_TOOLCHAINS_DIR", "/opt/glimpse/toolchains")) / "gcc"
        (folder / "gcc/c").mkdir(parents=True)
        shutil.copy(prepared / "build", folder / "gcc")
        if change:
            before = (prepared / "c/steps").read_text()
            after = change(before)
            assert after != before
            (folder / "gcc/c/steps").write_text(after)
        with Server(config={"cache": 0}, environment={"GLIMPSE_TOOLCHAINS_DIR": str(folder)}) as server:
            result = server.run({"language": "c", "code": C["hello"]})
            assert told(result["stages"]["compile"])["stderr"] == ""
            assert result["stages"]["run"]["stdout"] == "Hello, world!\n"
            made = make_in_a_box(server, "c", "hello", "MAKE; [ -x .glimpse/main ] && [ ! -e /tmp/glimpse-0.o ]")
            assert made["status"] == "ok", made
    finally:
        shutil.rmtree(folder)
