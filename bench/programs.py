"""The programs that are timed: per language hello, a typical one of some 60 lines, and one that no rehearsal has anything of."""
import dataclasses
import os
import pathlib
import re
import subprocess
import tempfile

from clock import Failed
from commands import COMMENTS, commands_of, environment

ROOT = pathlib.Path(__file__).resolve().parent.parent
TYPICAL = ROOT / "tests" / "languages" / "typical"
UNSEEN = ROOT / "bench" / "programs" / "unseen"
HOME = tempfile.TemporaryDirectory(prefix="glimpse-bench-")  # of all bare starts; gone when we are
NUMBER = "@@@@@NUMBER@@@@@"  # glimpse-bench writes another number there before each run


@dataclasses.dataclass
class Program:
    language: str
    name: str  # hello, typical, unseen, or one of these with -bits
    code: str
    stdin: str = ""
    stdout: str = None  # what it prints: of a bare run

    @property
    def id(self):
        return f"{self.language}.{self.name}"


def ini_value(language, key):
    text = (ROOT / "languages" / language / "language.ini").read_text()
    return re.search(rf"^{key}\s*=\s*(.*)$", text, re.MULTILINE).group(1).strip()


def main_of(language):
    return ini_value(language, "main")


def with_bits(code):
    """The same C++ program with one header for all."""
    return "#include <bits/stdc++.h>\n" + re.sub(r"^#include <.*>\n", "", code, flags=re.MULTILINE)


def programs_of(language):
    """All that there are for this language."""
    suffix = pathlib.Path(main_of(language)).suffix
    found = [Program(language, "hello", (ROOT / "languages" / language / ini_value(language, "hello")).read_text())]
    for name, folder in (("typical", TYPICAL), ("unseen", UNSEEN)):
        path = next((path for path in sorted(folder.glob(f"*{suffix}")) if path.stem.lower() == "main"), None)
        if path:
            stdin = (TYPICAL / "typical.in").read_text() if folder == TYPICAL else ""
            found.append(Program(language, name, path.read_text(), stdin))
    if language == "cpp":
        found += [Program(language, f"{program.name}-bits", with_bits(program.code), program.stdin)
                  for program in found if program.name != "typical"]
    return found


class Bench:
    """A program in folders of its own, where it can be started bare again and again."""

    def __init__(self, program, folders=0, compiled=False):
        """folders: how many, for as many loops at a time; 0: one, for starts one after the other. compiled: see commands_of()."""
        self.program = program
        self.main = main_of(program.language)
        self.steps = commands_of(program.language, self.main, compiled)
        self._folder = tempfile.TemporaryDirectory(prefix="glimpse-bench-")
        self.folder = pathlib.Path(self._folder.name)
        self.input = self.folder / "input"
        self.input.write_text(program.stdin)
        self.folders = [self.folder / str(n) for n in range(folders)] or [self.folder / "0"]
        for folder in self.folders:
            folder.mkdir()
            (folder / self.main).write_text(program.code)
        self.dir = self.folder if folders else self.folders[0]

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._folder.cleanup()

    def run_once(self):
        """All steps; what the last one printed. Leaves in each folder what has been compiled."""
        for folder in self.folders:
            for step in self.steps:
                with open(self.input) as stdin:
                    done = subprocess.run(step, stdin=stdin, capture_output=True, text=True, cwd=folder,
                                          env=environment(HOME.name), timeout=300)
                if done.returncode != 0:
                    raise Failed(f"bare {self.program.id}: {os.path.basename(step[0])} ended with {done.returncode}:\n{done.stderr}")
        return done.stdout

    def _numbered(self):
        comment = COMMENTS.get(self.program.language)
        return f"{self.program.code.rstrip()}\n{comment} {NUMBER}\n" if comment else None

    def case(self, steps=None, input_path=None, stdout=None):
        """For glimpse-bench. steps: other than all of them, which run what has been compiled; else the program is numbered anew."""
        case = {"kind": "bare", "dir": str(self.dir), "input": str(input_path or self.input), "steps": steps or self.steps,
                "env": [f"{name}={value}" for name, value in environment(HOME.name).items()],
                "expect": self.program.stdout if stdout is None else stdout}
        if steps is None and self._numbered():
            case |= {"source_name": self.main, "source": self._numbered()}
        return case

    def request(self, number=True, stdin=None):
        """The body of a request that does the same; number: that it finds nothing compiled."""
        run = {"language": self.program.language, "code": (number and self._numbered()) or self.program.code}
        stdin = self.program.stdin if stdin is None else stdin
        if stdin:
            run["stdin"] = stdin
        return run
