"""Latency of one run over keep-alive HTTP beside the bare start of the same program, interleaved: latency.py [--help]"""
import argparse
import json
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from bare import COMMANDS, Bare  # noqa: E402
from client import Connection  # noqa: E402
from glimpse_server import Server  # noqa: E402

PAUSE_S = 0.02  # between two runs: a box that is made for the next one is not part of this one


def hello_of(language):
    folder = ROOT / "languages" / language
    lines = (folder / "language.ini").read_text().splitlines()
    name = next(line.split("=")[1].strip() for line in lines if line.startswith("hello"))
    return (folder / name).read_text()


def programs_of(language):
    yield "hello", hello_of(language)
    for path in sorted((ROOT / "bench" / "programs").glob(f"*/{COMMANDS[language][0]}")):
        yield path.parent.name, path.read_text()


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def timed_ms(function):
    started = time.perf_counter()
    result = function()
    return (time.perf_counter() - started) * 1000, result


def stdout_of(status, body):
    answer = json.loads(body)
    if status != 200 or answer["status"] != "ok":
        raise SystemExit(f"the server did not run it: {body.decode()}")
    return answer["stages"]["run"]["stdout"].encode()


def measure(connection, language, code, rounds, again=False):
    """{"bare": ms of each round, "boxed": likewise}, the two taking turns. again: of a program that was compiled before."""
    bare = Bare(language, code, compiled=again)
    request = Connection.request({"language": language, "code": code, "cache": again})
    times = {"bare": [], "boxed": []}
    try:
        for n in range(rounds + 2):  # the first two warm the page cache
            bare_ms, wanted = timed_ms(bare.run)
            time.sleep(PAUSE_S)
            boxed_ms, answer = timed_ms(lambda: connection.send(request))
            time.sleep(PAUSE_S)
            if stdout_of(*answer) != wanted:
                raise SystemExit(f"{language}: the box printed something else than the bare program: {answer[1].decode()}")
            if n >= 2:
                times["bare"].append(bare_ms)
                times["boxed"].append(boxed_ms)
    finally:
        bare.close()
    return times


def report(rows):
    print(f"{'':22}{'bare p50':>10}{'p99':>9}{'boxed p50':>11}{'p99':>9}{'ratio of p50':>14}   (ms)")
    for row in rows:
        bare, boxed = row["bare"], row["boxed"]
        print(f"{row['language'] + ' ' + row['program']:22}{statistics.median(bare):10.2f}{quantile(bare, .99):9.2f}"
              f"{statistics.median(boxed):11.2f}{quantile(boxed, .99):9.2f}{statistics.median(boxed) / statistics.median(bare):14.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="timed runs of each kind (30)")
    parser.add_argument("--again", action="store_true", help="compiled languages: only run what was compiled before, bare and boxed")
    parser.add_argument("--json", type=pathlib.Path, help="write all times, in ms, to this file")
    parser.add_argument("languages", nargs="*", default=sorted(COMMANDS), help="all where none is named")
    arguments = parser.parse_args()
    rows = []
    with Server() as server:
        connection = Connection(server.host, server.port)
        for language in arguments.languages:
            for program, code in programs_of(language):
                rows.append({"language": language, "program": program, **measure(connection, language, code, arguments.rounds, arguments.again)})
        connection.close()
    report(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
