"""The same program started bare: the commands that people would type, with the runtimes that the boxes use.

Started by posix_spawn (vfork inside), so that the size of this process does not count.
"""
import os
import pathlib
import shutil
import subprocess
import tempfile

PATH = "/usr/bin:/bin"  # Debian's: the boxes use no other
TOOLS = "/opt/glimpse/toolchains"
KOTLINC = (f"java -Xmx256M -cp '{TOOLS}/kotlin/lib/*' org.jetbrains.kotlin.cli.jvm.K2JVMCompiler -no-stdlib "
           f"-cp {TOOLS}/kotlin/lib/kotlin-stdlib.jar")

# Name of the file, and the commands that are run one after the other and timed together. {file} is its path, {dir} a folder for what is made.
COMMANDS = {
    "bash": ("main.sh", [["bash", "{file}"]]),
    "c": ("main.c", [["gcc", "-std=gnu17", "-O2", "-o", "{dir}/a.out", "{file}", "-lm"], ["{dir}/a.out"]]),
    "cpp": ("main.cpp", [["g++", "-std=gnu++20", "-O2", "-o", "{dir}/a.out", "{file}"], ["{dir}/a.out"]]),
    "go": ("main.go", [["go", "run", "{file}"]]),
    "java": ("Main.java", [["javac", "-d", "{dir}", "{file}"], ["java", "-cp", "{dir}", "Main"]]),
    "javascript": ("main.js", [[f"{TOOLS}/bin/node", "{file}"]]),
    "kotlin": ("Main.kt", [["sh", "-c", f"exec {KOTLINC} -d {{dir}} {{file}}"],
                           ["java", "-cp", f"{{dir}}:{TOOLS}/kotlin/lib/kotlin-stdlib.jar", "MainKt"]]),
    "lua": ("main.lua", [["lua5.4", "{file}"]]),
    "perl": ("main.pl", [["perl", "{file}"]]),
    "php": ("main.php", [["php", "{file}"]]),
    "python": ("main.py", [["python3", "{file}"]]),
    "r": ("main.R", [["Rscript", "{file}"]]),
    "ruby": ("main.rb", [["ruby", "{file}"]]),
    "typescript": ("main.ts", [[f"{TOOLS}/bin/tsc", "--ignoreConfig", "--target", "es2024", "--module", "commonjs", "--types", "node",
                                "--typeRoots", f"{TOOLS}/typescript/node_modules/@types", "--outDir", "{dir}", "{file}"],
                               [f"{TOOLS}/bin/node", "{dir}/main.js"]]),
}


# What is compiled ahead where `run` compiles and runs in one.
COMPILED = {"go": [["go", "build", "-o", "{dir}/a.out", "{file}"], ["{dir}/a.out"]]}


class Bare:
    """One program, ready to be started again and again; compiled: the last step only, the others are done once."""

    def __init__(self, language, code, compiled=False):
        name, steps = COMMANDS[language]
        if compiled:
            steps = COMPILED.get(language, steps)
        self.folder = tempfile.TemporaryDirectory(prefix="glimpse-bench-")
        path = pathlib.Path(self.folder.name)
        (path / name).write_text(code)
        self.steps = [[word.replace("{file}", str(path / name)).replace("{dir}", self.folder.name) for word in step] for step in steps]
        for step in self.steps:
            step[0] = shutil.which(step[0], path=PATH) or step[0]  # an own binary is there once it is compiled
        self.environment = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": os.environ.get("HOME", "/"),
                            "GO111MODULE": "off"}
        if compiled:
            self.run()
            self.steps = self.steps[-1:]

    def run(self):
        """All steps, output read to its end; what the last one printed. Raises when one fails."""
        output = b""
        for step in self.steps:
            read_end, write_end = os.pipe()
            pid = os.posix_spawn(step[0], step, self.environment,
                                  file_actions=[(os.POSIX_SPAWN_DUP2, write_end, 1), (os.POSIX_SPAWN_CLOSE, read_end)])
            os.close(write_end)
            output = b""
            while chunk := os.read(read_end, 1 << 16):
                output += chunk
            os.close(read_end)
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            if status != 0:
                raise subprocess.CalledProcessError(status, step)
        return output

    def close(self):
        self.folder.cleanup()
