"""script/bench from end to end, as short as it can be. What it measures is not looked at: only that it measures, adds up, and cleans up."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))
import clock  # noqa: E402
import parts  # noqa: E402
import report  # noqa: E402
from programs import Bench, Program  # noqa: E402
from service import memory_kb  # noqa: E402

from glimpse_server import descendants  # noqa: E402

try:
    import matplotlib  # noqa: F401
    DRAWS = True
except ImportError:
    DRAWS = False
ROUNDS, CLIENTS = 3, [1, 2]
SHORT = ["--rounds", str(ROUNDS), "--budget", "2", "--seconds", "0.2", "--clients", ",".join(map(str, CLIENTS)), "--overload", "1"]
PAGE = "# A page\n\nBefore.\n\n<!-- bench: latency -->\nold\n<!-- /bench -->\n\nBetween.\n\n<!-- bench: nothing -->\nkept\n<!-- /bench -->\nAfter.\n"


def start(folder, *words):
    """script/bench, with folder for all that it makes on the way."""
    environment = {**os.environ, "GLIMPSE_BUILD": str(clock.BUILD), "TMPDIR": str(folder)}
    return subprocess.Popen([ROOT / "script" / "bench", *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def scratch():
    # Not pytest's: glimpsed is not root, and has to get through.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="glimpse-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def made(scratch):
    """All parts for two languages, one of them compiled: (output, figures, folder of pictures)."""
    folder, out = scratch / "tmp", scratch / "out"
    folder.mkdir()
    out.mkdir()
    (out / "pictures.md").write_text(PAGE)
    words = ["python", "c", *SHORT, "--json", str(out / "figures.json")] + (["--plots", str(out / "pictures")] if DRAWS else [])
    process = start(folder, *words)
    try:
        output, _ = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == 0, output
    assert list(folder.iterdir()) == [], "it left files behind"
    return output, json.loads((out / "figures.json").read_text()), out / "pictures"


def check_times(times):
    assert 0 < times["min"] <= times["p50"] <= times["p99"]
    assert times["min"] <= times["mean"] <= times["p99"]


def test_latency_has_each_program_bare_and_boxed(made):
    rows = made[1]["latency"]
    assert {(row["language"], row["program"]) for row in rows} >= {("python", "hello"), ("python", "typical"), ("python", "unseen"),
                                                                   ("c", "hello"), ("c", "typical")}
    for row in rows:
        for kind in ("bare", "boxed", "cold"):
            check_times(row[kind])
            assert row[kind]["n"] == ROUNDS
            assert row[kind]["cpu_ms"] > 0
            assert row[kind]["stages"]["run"]["p50"] > 0
            assert (row[kind]["stages"]["compile"] is not None) == (row["language"] == "c")
        assert ("unprepared" in row) == (row["program"] == "hello")
        stages = row["boxed"]["stages"]
        assert (stages["compile"] or {"min": 0})["min"] + stages["run"]["min"] <= row["boxed"]["p99"]


def test_throughput_counts_runs_and_cpu_time(made):
    for rows in made[1]["throughput"]:
        assert [point["clients"] for point in rows["points"]] == CLIENTS
        for point in rows["points"]:
            for kind in ("bare", "boxed"):
                check_times(point[kind])
                assert point[kind]["runs"] == point[kind]["n"] >= point["clients"]
                assert point[kind]["cpu_us"] > 0
            boxed = point["boxed"]
            assert abs(boxed["glimpsed_us"] + boxed["boxd_us"] - boxed["daemons_us"]) < 1
            assert 0 < boxed["daemons_us"] <= boxed["all_us"]


def test_memory_is_of_warm_and_of_plain_boxes(made):
    row = next(row for row in made[1]["memory"] if row["language"] == "python")
    assert row["warm"]["n"] == 4 and row["plain"]["n"] >= 1
    assert row["warm"]["private_dirty"] > row["plain"]["private_dirty"] > 0
    assert row["zygotes"]["pss"] > 0


def test_processes_that_share_one_memory_count_once():
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        child.stdin.write(b"started?\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"started?\n"  # and it waits for more
        once = memory_kb(child.pid)
        assert once["pss"] > 0
        assert memory_kb(child.pid, child.pid) == once
        assert memory_kb(child.pid, os.getpid())["rss"] > once["rss"]
    finally:
        child.communicate()


def test_overload_accounts_for_every_job(made):
    row = made[1]["overload"]
    assert row["arrived"] == row["served"] + row["refused"] + row["other"]
    assert abs(row["due"] - row["arrived"]) <= 1
    assert row["other"] == 0
    assert row["took"]["n"] == row["queued"]["n"] == row["served"] > 0
    assert sum(second["arrived"] for second in row["timeline"]) == row["arrived"]
    assert sum(second["served"] for second in row["timeline"]) <= row["served"]
    assert len(row["memory"]) >= 1


def test_a_judge_runs_one_program_on_many_inputs(made):
    row = next(row for row in made[1]["judge"] if row["language"] == "c")
    assert made[1]["failures"] == []
    assert 0 <= row["cached"] < row["inputs"]
    assert row["boxed_rest"]["n"] == row["inputs"] - 1
    assert row["bare_run"]["n"] == row["inputs"]
    assert row["boxed_total_ms"] >= row["boxed_first_ms"]


def test_a_breakdown_adds_up(made):
    for row in made[1]["breakdown"]:
        assert sum(row["parts_ms"].values()) == pytest.approx(row["whole_ms"], abs=0.01)
        assert (row["parts_ms"]["compile"] > 0) == (row["language"] == "c")


def test_tables_and_bars_are_printed(made):
    output, result, _ = made
    bars = report.bars(result)
    assert len(bars) >= 9
    assert f"{sum(bool(is_met) for *_, is_met in bars)} of {len(bars)} bars met" in output
    for _, title, _, rows in report.tables(result):
        assert title in output
        assert all(row[0] in output for row in rows)


def test_what_was_saved_is_shown_again(made, scratch):
    output, result, _ = made
    (scratch / "saved.json").write_text(json.dumps(result))
    process = start(scratch, "--from", str(scratch / "saved.json"))
    shown, _ = process.communicate(timeout=60)
    assert shown.strip() and shown.strip() in output


def test_bars_are_missed_where_they_should_be(made):
    slow = json.loads(json.dumps(made[1]))
    hello = next(row for row in slow["latency"] if (row["language"], row["program"]) == ("python", "hello"))
    hello["boxed"]["p50"] = hello["bare"]["p50"] * 2
    slow["overload"]["refused"] -= 5
    missed = {what for what, _, _, is_met in report.bars(slow) if not is_met}
    assert {"python hello: p50 to bare", "2 × overload: jobs without a result or a refusal"} <= missed


def test_pictures_are_svg_with_their_languages(made):
    if not DRAWS:
        pytest.skip("python3-matplotlib is not to be had: the pictures are NOT tested here")
    _, result, folder = made
    texts = {}
    for path in folder.glob("*.svg"):
        root = ElementTree.parse(path).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        texts[path.stem] = "".join(root.itertext())
        assert "nan" not in texts[path.stem]
        assert "prefers-color-scheme: dark" in texts[path.stem]
        assert result["commit"] in texts[path.stem]
    assert texts.keys() == {"latency", "throughput", "cpu", "overload", "breakdown"}
    for name in texts.keys() - {"overload"}:
        assert "Python" in texts[name], name


def test_a_page_gets_its_tables_anew_and_keeps_its_words(made):
    renewed = report.renew(PAGE, made[1])
    assert "old" not in renewed and "| python hello |" in renewed
    assert renewed.startswith("# A page\n\nBefore.\n\n<!-- bench: latency -->\n| program |")
    assert renewed.endswith("<!-- /bench -->\n\nBetween.\n\n<!-- bench: nothing -->\nkept\n<!-- /bench -->\nAfter.\n")
    assert report.renew(renewed, made[1]) == renewed
    if DRAWS:
        assert made[2].with_name("pictures.md").read_text() == renewed


def test_what_goes_wrong_is_left_out_and_said(server, monkeypatch):
    programs = [Program("bash", "chance", "echo $SRANDOM"), Program("bash", "failing", "exit 3"), Program("bash", "good", "echo good")]
    monkeypatch.setattr(parts, "programs_of", lambda language: programs)
    setting = parts.Setting(languages=["bash"], programs=[], rounds=1, budget_s=1, seconds=1, clients=[1], overload_s=1, failures=[],
                            services={"boxed": server}, say=print)
    assert [row["program"] for row in parts.latency(setting)] == ["good"]
    assert ["bash.chance" in setting.failures[0], "ended with 3" in setting.failures[1], len(setting.failures)] == [True, True, 2]


@pytest.mark.parametrize("words, says", [(["--parts", "latency,nothing"], "no part nothing; there are: latency, throughput"),
                                         (["no-such-language", "--parts", "judge"], "no language no-such-language; there are: bash, c"),
                                         (["--from", "/no/such/file"], "No such file")])
def test_what_can_not_be_measured_is_said(scratch, words, says):
    process = start(scratch, *words)
    output, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert says in output


def test_wrong_output_is_seen(server):
    program = Program("bash", "wrong", "echo one; echo two\n", stdout="one\ntwo\n")
    with Bench(program) as bench:
        for stdout in ("one\ntwo\n", "one\n", "one\ntwo\nthree\n", "two\none\n"):
            cases = [bench.case(stdout=stdout), clock.run_case(server.port, bench.request(), stdout)]
            assert [run.good for run in clock.rounds(cases, 1, 0).runs] == [stdout == program.stdout] * 2, stdout


def test_failure_is_seen(server):
    program = Program("bash", "failing", "echo one; exit 3\n", stdout="one\n")
    with Bench(program) as bench:
        assert not clock.rounds([bench.case()], 1, 0).runs[0].good
        refused = clock.run_case(server.port, bench.request() | {"language": "no-such-one"}, "one\n")
        run = clock.rounds([refused], 1, 0).runs[0]
        assert (run.status, run.good) == (422, False)


def test_each_run_of_a_compiled_program_is_another_program(server):
    with Bench(Program("c", "numbered", '#include <stdio.h>\nint main(void) { puts("hi"); }\n', stdout="hi\n")) as bench:
        clock.rounds([bench.case()], 1, 0)
        first = (bench.dir / bench.main).read_text()
        clock.rounds([bench.case()], 1, 0)
        second = (bench.dir / bench.main).read_text()
    assert first != second and first.splitlines()[:-1] == second.splitlines()[:-1]


def test_an_interrupted_run_leaves_nothing(scratch):
    folder = scratch / "interrupted"
    folder.mkdir()
    process = start(folder, "python", "--parts", "latency", "--rounds", "100000", "--budget", "100000")
    try:
        for line in process.stdout:
            if "latency" in line:
                break
        time.sleep(1)  # in the midst of the rounds
        ours = descendants(process.pid)
        assert ours
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(90) != 0
    finally:
        process.kill()
    assert "interrupted" in rest
    assert list(folder.iterdir()) == []
    deadline = time.monotonic() + 10  # boxes die with boxd, and are reaped by whoever inherits them
    while (left := [pid for pid in ours if pathlib.Path(f"/proc/{pid}").exists()]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == [], [pathlib.Path(f"/proc/{pid}/stat").read_text() for pid in left]
