"""The bare commands: what people would type, with the runtimes that the boxes use."""
import pathlib
import shutil

PATH = "/usr/bin:/bin"  # Debian's: the boxes use no other
TOOLS = "/opt/glimpse/toolchains"
NODE = f"{TOOLS}/bin/node" if pathlib.Path(f"{TOOLS}/bin/node").exists() else "node"
KOTLIN_LIB = f"{TOOLS}/kotlin/lib"

# A list of commands that are run one after the other, in a folder that holds the program ({main}), and timed together.
# The last one is the run, those before it compile.
COMMANDS = {
    "bash": [["bash", "{main}"]],
    "c": [["gcc", "-std=gnu17", "-O2", "-o", "a.out", "{main}", "-lm"], ["./a.out"]],
    "cpp": [["g++", "-std=gnu++20", "-O2", "-o", "a.out", "{main}"], ["./a.out"]],
    "go": [["go", "run", "{main}"]],
    "java": [["javac", "-d", ".", "{main}"], ["java", "-cp", ".", "Main"]],
    "javascript": [[NODE, "{main}"]],
    "kotlin": [["java", "-Xmx256M", "-cp", f"{KOTLIN_LIB}/*", "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", "-no-stdlib",
                "-cp", f"{KOTLIN_LIB}/kotlin-stdlib.jar", "-d", ".", "{main}"],
               ["java", "-cp", f".:{KOTLIN_LIB}/kotlin-stdlib.jar", "MainKt"]],
    "lua": [["lua5.4", "{main}"]],
    "perl": [["perl", "{main}"]],
    "php": [["php", "{main}"]],
    "python": [["python3", "{main}"]],
    "r": [["Rscript", "{main}"]],
    "ruby": [["ruby", "{main}"]],
    "typescript": [[f"{TOOLS}/bin/tsc", "--ignoreConfig", "--target", "es2024", "--module", "commonjs", "--types", "node",
                    "--typeRoots", f"{TOOLS}/typescript/node_modules/@types", "--outDir", ".", "{main}"],
                   [NODE, "main.js"]],
}
# Of languages whose command compiles and runs in one: what compiles first, and runs the result again and again.
COMPILED = {"go": [["go", "build", "-o", "a.out", "{main}"], ["./a.out"]]}
# Where `{main}`'s own comments begin, of languages where a compiler or the server keeps what was compiled: each run has a
# number in a comment, so that it finds nothing.
COMMENTS = {language: "//" for language in ("c", "cpp", "go", "java", "kotlin", "typescript")}


def commands_of(language, main, compiled=False):
    """The commands, ready to be executed; None where one is not there. compiled: so that the last one only runs."""
    commands = COMPILED.get(language, COMMANDS[language]) if compiled else COMMANDS[language]
    steps = [[word.replace("{main}", main) for word in step] for step in commands]
    for step in steps:
        if step[0] != "./a.out":
            step[0] = shutil.which(step[0], path=PATH)
        if step[0] is None:
            return None
    return steps


def environment(home):
    """Of a bare start. `go` has its cache in home: it is warm from the second run on."""
    return {"PATH": PATH, "LANG": "C.UTF-8", "HOME": home, "GO111MODULE": "off"}
