"""
How fast is it? script/bench measures Glimpse beside the same programs started bare, on this machine, in one go.

Prints tables, with the bars of bench/bars.toml and whether each is met. Exit status 1 where something could not be measured, or printed
what the bare program does not; the rest is measured all the same. Leaves nothing behind, also after Ctrl-C.
"""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import parts
import report
from clock import BUILD
from commands import COMMANDS, commands_of
from programs import ROOT, main_of
from service import Service

RESULTS = ROOT / "bench" / "results"
PARTS = ("latency", "throughput", "memory", "overload", "judge", "breakdown")
# Between a look at one's own change and figures to show.
DEFAULTS = {"rounds": 200, "budget": 20, "seconds": 3, "overload": 60, "clients": [1, 2, 4, 8, 16, 32, 64]}
QUICK = {"rounds": 20, "budget": 4, "seconds": 1, "overload": 10, "clients": [1, 4, 16]}


def arguments_of(words):
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("languages", nargs="*", help="ids of languages; all that are available where none is named")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"some of {','.join(PARTS)}; all by default")
    parser.add_argument("--programs", type=lambda text: text.split(","), default=[], help="of latency: some of hello,typical,unseen; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: minutes rather than half an hour, and noisier figures")
    parser.add_argument("--rounds", type=int, help=f"timed runs of each kind at most ({DEFAULTS['rounds']}; quick: {QUICK['rounds']})")
    parser.add_argument("--budget", type=float, help=f"seconds for each program's rounds: slow ones get fewer ({DEFAULTS['budget']}; {QUICK['budget']})")
    parser.add_argument("--seconds", type=float, help=f"of each closed loop ({DEFAULTS['seconds']}; {QUICK['seconds']})")
    parser.add_argument("--overload", type=float, help=f"seconds of overload ({DEFAULTS['overload']}; {QUICK['overload']})")
    parser.add_argument("--clients", type=lambda text: [int(word) for word in text.split(",")], help="numbers of clients, such as 1,4,16")
    parser.add_argument("--compare", metavar="COMMIT", help="build this commit too, and let it take turns with the present state")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all figures to this file")
    parser.add_argument("--save", action="store_true", help="write them to bench/results/<date>-<commit>.json")
    parser.add_argument("--plots", type=pathlib.Path, metavar="DIR", help="draw them as SVG into this folder; DIR.md, where there is such a page, "
                        "gets its tables anew")
    parser.add_argument("--from", dest="saved", type=pathlib.Path, metavar="FILE", help="measure nothing: show and draw what was written earlier")
    arguments = parser.parse_args(words)
    chosen = QUICK if arguments.quick else DEFAULTS
    for name, value in chosen.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    arguments.parts = arguments.parts.split(",")
    if unknown := [part for part in arguments.parts if part not in PARTS]:
        parser.error(f"no part {unknown[0]}; there are: {', '.join(PARTS)}")
    return arguments


# --- What was measured, on what ---

def git(*words):
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True).stdout.strip()


def commit_of():
    try:
        return git("rev-parse", "--short=9", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (subprocess.CalledProcessError, OSError):
        return "unknown"


def found(path, pattern, default="unknown"):
    with contextlib.suppress(OSError):
        if match := re.search(pattern, pathlib.Path(path).read_text(), re.MULTILINE):
            return match.group(1).strip()
    return default


def machine():
    return {"cpu": found("/proc/cpuinfo", r"^model name\s*:(.*)$", platform.machine()), "cpus": len(os.sched_getaffinity(0)),
            "memory_mib": int(found("/proc/meminfo", r"^MemTotal:\s+(\d+)", "0")) // 1024, "kernel": platform.release(),
            "system": found("/etc/os-release", r'^PRETTY_NAME="(.*)"$'),
            "virtual": "hypervisor" in found("/proc/cpuinfo", r"^flags\s*:(.*)$", ""),
            "cgroup": "v2" if pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists() else "v1"}


def stolen_ticks():
    return int(pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[8])


def load_now():
    return round(os.getloadavg()[0], 2)


# --- The last commit ---

@contextlib.contextmanager
def built(commit, say):
    """The build folder of another commit, in a worktree that goes away."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="glimpse-bench-", dir="/var/tmp"))
    folder.chmod(0o755)
    tree = folder / "tree"
    try:
        say(f"building {commit}")
        git("worktree", "add", "--detach", str(tree), commit)
        for command in (["meson", "setup", str(tree / "build"), str(tree), "--prefix", "/usr"], ["ninja", "-C", str(tree / "build")]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
        yield tree / "build"
    finally:
        subprocess.run(["git", "-C", str(ROOT), "worktree", "remove", "--force", str(tree)], capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["git", "-C", str(ROOT), "worktree", "prune"], capture_output=True)


# --- All of it ---

def choose_languages(wanted, service):
    """Those that can be run here, boxed and bare; loudly without the others."""
    if unknown := [language for language in wanted if language not in service.languages]:
        raise SystemExit(f"no language {unknown[0]}; there are: {', '.join(sorted(service.languages))}")
    chosen = []
    for language in wanted or sorted(service.languages):
        if not service.languages[language]["available"]:
            print(f"!!! {language} is left out: {service.languages[language]['unavailable']}")
        elif language not in COMMANDS or commands_of(language, main_of(language)) is None:
            print(f"!!! {language} is left out: bench/commands.py knows no bare command of it that is here")
        else:
            chosen.append(language)
    return chosen


def measure(arguments, say):
    result = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "commit": commit_of(),
              "machine": machine(), "load_before": load_now(),
              "options": {name: getattr(arguments, name) for name in ("quick", *DEFAULTS, "parts", "compare")}}
    started, stolen = time.monotonic(), stolen_ticks()
    if result["load_before"] > report.BUSY:
        print(f"!!! this machine is busy (load {result['load_before']}): trust the ratios more than the times, and neither much")
    with contextlib.ExitStack() as stack:
        services = {"boxed": stack.enter_context(Service())}
        if "latency" in arguments.parts:
            services |= {name: stack.enter_context(Service(config=config)) for name, config in parts.VARIANTS.items()}
        if arguments.compare:
            services["before"] = stack.enter_context(Service(build=stack.enter_context(built(arguments.compare, say))))
            result["before"] = git("rev-parse", "--short=9", arguments.compare)
        languages = choose_languages(arguments.languages, services["boxed"])
        for service in services.values():
            service.ask_for(languages)
            service.settle()
        setting = parts.Setting(languages=languages, programs=arguments.programs, rounds=arguments.rounds, budget_s=arguments.budget,
                                seconds=arguments.seconds, clients=arguments.clients, overload_s=arguments.overload,
                                failures=[], services=services, say=say)
        result["languages"] = {language: services["boxed"].languages[language]["version"] for language in languages}
        result["client"] = parts.client(setting)
        for part in PARTS:
            if part in arguments.parts:
                result[part] = getattr(parts, part)(setting)
    result["failures"] = setting.failures
    result["seconds"] = round(time.monotonic() - started)
    result["stolen"] = round((stolen_ticks() - stolen) / os.sysconf("SC_CLK_TCK") / os.cpu_count() / max(1, result["seconds"]), 4)
    return result


def file_for(result):
    return RESULTS / f"{result['date'][:10]}-{result['commit'].rstrip('+')}.json"


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    arguments = arguments_of(sys.argv[1:])
    signal.signal(signal.SIGTERM, interrupt)
    if arguments.saved:
        try:
            result = json.loads(arguments.saved.read_text())
        except (OSError, ValueError) as error:
            raise SystemExit(f"error: {arguments.saved}: {error}") from None
    else:
        if os.geteuid() != 0:
            raise SystemExit("error: sandboxes are made by root: sudo script/bench")
        if not (BUILD / "bench" / "glimpse-bench").exists():
            raise SystemExit(f"error: {BUILD} has no glimpse-bench: build it")
        result = measure(arguments, lambda text: print(f"==> {text}", flush=True))
    files = ([arguments.json] if arguments.json else []) + ([file_for(result)] if arguments.save else [])
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(result, indent=1) + "\n")
        print(f"written: {file}")
    print(report.as_text(result))
    if arguments.plots:
        import plots
        for path in plots.draw(result, arguments.plots):
            print(f"drawn: {path}")
        page = arguments.plots.with_name(arguments.plots.name + ".md")
        if page.exists():
            page.write_text(report.renew(page.read_text(), result))
            print(f"tables renewed: {page}")
    sys.exit(1 if result["failures"] else 0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; everything that was started is gone")
