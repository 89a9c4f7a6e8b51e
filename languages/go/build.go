// The compile stage of Go: build MAIN. Made into a program by script/toolchains.
//
// `go build` spends most of its time on finding out that the standard library is as it was. Where the program is some files that
// need nothing but that library, the compiler and the linker are started at once, with the arguments that `go build`
// would give them (prepare.sh has asked it). Whatever is not as simple as that, and whatever fails, is left to `go build`, whose
// words are shown.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

const (
	goRoot = "/opt/glimpse/toolchains/golang"
	output = "/box/.glimpse/main"
	work   = "/tmp/go-build"
)

var errNotSimple = errors.New("for go build to decide")

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: build MAIN")
		os.Exit(2)
	}
	folder := filepath.Dir(os.Args[1])
	if exists("go.mod") {
		buildPlainly("./" + folder)
		return
	}
	files := sources(folder)
	if len(files) == 0 {
		files = []string{os.Args[1]}
	}
	if exists("go.work") || buildSimply(folder, files) != nil {
		buildPlainly(files...)
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// The files beside the main one; without a go.mod they are the program.
func sources(folder string) []string {
	var found []string
	names, _ := filepath.Glob(filepath.Join(folder, "*.go"))
	for _, name := range names {
		if !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(filepath.Base(name), ".") {
			found = append(found, name)
		}
	}
	return found
}

func buildPlainly(what ...string) {
	os.RemoveAll(work)
	os.Remove(output)
	if exists(goRoot + "/cache") {
		os.Setenv("GOCACHE", goRoot+"/cache") // go never minds that it can't write there
	}
	// No symbol table: `go run` makes none either. Panics print file and line without it, and linking takes half the time.
	command := exec.Command("/usr/bin/go", append([]string{"build", "-ldflags=-s -w", "-o", output}, what...)...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := command.Run()
	var failed *exec.ExitError
	switch {
	case errors.As(err, &failed):
		os.Exit(failed.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(127)
	}
	// A library is built too, into what is no program.
	if info, err := os.Stat(output); err != nil || info.Mode()&0o100 == 0 {
		fmt.Fprintln(os.Stderr, "package", packageOf(what), "is not a main package") // as `go run` says it
		os.Exit(1)
	}
}

func packageOf(what []string) string {
	name, err := exec.Command("/usr/bin/go", append([]string{"list"}, what...)...).Output()
	if err != nil {
		return what[0]
	}
	return strings.TrimSpace(string(name))
}

func buildSimply(folder string, files []string) error {
	tools, err := readTools()
	if err != nil {
		return err
	}
	if err = checkFiles(files, tools.packages); err != nil {
		return err
	}
	if err = os.Mkdir(work, 0o700); err != nil {
		return err
	}
	object := work + "/main.a"
	// As `go build` does it: in the folder of the files, whose names begin with "./".
	args := append([]string{"-o", object, "-trimpath", work + "=>", "-importcfg", goRoot + "/importcfg",
		"-c=" + strconv.Itoa(min(4, runtime.GOMAXPROCS(0)))}, tools.compileFlags...)
	for _, file := range files {
		args = append(args, "./"+filepath.Base(file))
	}
	if err = run(folder, tools.compiler, args); err != nil {
		return err
	}
	args = append([]string{"-o", output, "-importcfg", goRoot + "/importcfg.link"}, tools.linkFlags...)
	return run(folder, tools.linker, append(args, object))
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

// Succeeds only where the tool has nothing to say.
func run(folder, tool string, args []string) error {
	command := exec.Command(tool, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "GOGC=off") // GOMEMLIMIT is set, and one of them runs at a time
	said, err := command.CombinedOutput()
	if err == nil && len(said) > 0 {
		err = errNotSimple
	}
	return err
}

type tools struct {
	compiler, linker        string
	compileFlags, linkFlags []string
	packages                map[string]bool
}

// What prepare.sh has written: a line for each tool with its flags, and the packages that may be imported.
func readTools() (*tools, error) {
	lines, err := readLines(goRoot + "/tools")
	if err != nil || len(lines) != 2 {
		return nil, errNotSimple
	}
	compile, link := strings.Fields(lines[0]), strings.Fields(lines[1])
	if len(compile) < 2 || len(link) < 2 {
		return nil, errNotSimple
	}
	found := &tools{compiler: compile[0], compileFlags: compile[1:], linker: link[0], linkFlags: link[1:],
		packages: map[string]bool{"unsafe": true}}
	lines, err = readLines(goRoot + "/importable")
	for _, line := range lines {
		found.packages[line] = true
	}
	return found, err
}

func readLines(name string) ([]string, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var lines []string
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	return lines, scanner.Err()
}

func checkFiles(files []string, packages map[string]bool) error {
	for _, name := range files {
		// A suffix of the name may say for which system the file is.
		if !strings.HasSuffix(name, ".go") || strings.Contains(filepath.Base(name), "_") {
			return errNotSimple
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		if err = checkFile(parsed, packages); err != nil {
			return err
		}
	}
	return nil
}

func checkFile(file *ast.File, packages map[string]bool) error {
	if file.Name.Name != "main" {
		return errNotSimple
	}
	for _, one := range file.Imports {
		if path, err := strconv.Unquote(one.Path.Value); err != nil || !packages[path] {
			return errNotSimple
		}
	}
	// Those before the first declaration: constraints on the build, settings for the runtime, and the like.
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if strings.HasPrefix(comment.Text, "//go:") || strings.Contains(comment.Text, "+build") {
				return errNotSimple
			}
		}
	}
	return nil
}
