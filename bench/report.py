"""Tables of what was measured, for the screen and for docs/performance.md, and whether the bars are met."""
import pathlib
import re
import tomllib

BARS = tomllib.loads((pathlib.Path(__file__).resolve().parent / "bars.toml").read_text())
BUSY = 0.5  # load before the measurement, from which on others can be seen in it
MARK = re.compile(r"(<!-- bench: (\w+) -->\n).*?(<!-- /bench -->)", re.DOTALL)


def ms(value):
    if value is None:
        return "–"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"


def name_of(row):
    return f"{row['language']} {row['program']}"


def met(is_met):
    return "" if is_met is None else "yes" if is_met else "NO"


# --- Bars: [what, is, bar, met] ---

def latency_bar(row):
    """The bar of one row of latency: (text, met), or ("", None)."""
    bar = BARS["latency"].get(f"{row['language']}.{row['program']}")
    if bar is None:
        return "", None
    if "ratio" in bar:
        return f"≤ {bar['ratio']:.2f}", row["boxed"]["p50"] <= bar["ratio"] * row["bare"]["p50"]
    return f"≤ +{bar['plus_ms']} ms", row["boxed"]["p50"] <= row["bare"]["p50"] + bar["plus_ms"]


def peak(rows):
    return max(rows["points"], key=lambda point: point["boxed"]["per_s"])


def latency_bars(result):
    for row in result.get("latency") or []:
        text, is_met = latency_bar(row)
        if text:
            ratio = row["boxed"]["p50"] / row["bare"]["p50"]
            now = f"{ratio:.3f}" if "ms" not in text else f"{row['boxed']['p50'] - row['bare']['p50']:+.2f} ms"
            yield [f"{name_of(row)}: p50 to bare", now, text, is_met]
    for row in result.get("latency") or []:
        if bar := BARS["tail"].get(f"{row['language']}.{row['program']}"):
            ratio = row["boxed"]["p99"] / row["bare"]["p50"]
            yield [f"{name_of(row)}: p99 to bare p50", f"{ratio:.3f}", f"≤ {bar['ratio']:.2f}", ratio <= bar["ratio"]]


def throughput_bars(result):
    for rows in result.get("throughput") or []:
        best = peak(rows)
        bar = BARS["throughput"].get(rows["language"])
        if bar:
            times, cpu = best["boxed"]["per_s"] / best["bare"]["per_s"], best["boxed"]["cpu_us"] / best["bare"]["cpu_us"]
            yield [f"{name_of(rows)}: runs a second to bare, {best['clients']} at a time", f"{times:.2f} ×", f"≥ {bar['times']} ×",
                   times >= bar["times"]]
            yield [f"{name_of(rows)}: CPU time of a box to bare", f"{cpu:.3f}", f"≤ {bar['cpu_ratio']:.2f}",
                   cpu <= bar["cpu_ratio"]]
            most = BARS["daemons"]["cpu_us"]
            yield [f"glimpsed and boxd: CPU time a run of {rows['language']}", f"{best['boxed']['daemons_us']:.0f} µs", f"≤ {most} µs",
                   best["boxed"]["daemons_us"] <= most]


def judge_bars(result):
    for row in result.get("judge") or []:
        more = row["boxed_rest"]["p50"] - row["bare_run"]["p50"]
        most = BARS["judge"]["plus_ms"]
        yield [f"{row['language']}: a program that is compiled already, to its bare run", f"{more:+.2f} ms", f"≤ +{most} ms", more <= most]


def grown_mib(row):
    """Of both daemons together, from the first quarter of an overload to after it."""
    early = row["memory"][len(row["memory"]) // 4]
    return (sum(row["after_kb"].values()) - early["glimpsed_kb"] - early["boxd_kb"]) / 1024


def overload_bars(result):
    row = result.get("overload")
    if row:
        kept, bar = row["per_s"] / row["peak_per_s"], BARS["overload"]
        yield ["2 × overload: throughput to its peak", f"{kept:.2f}", f"≥ {bar['kept']}", kept >= bar["kept"]]
        lost = row["due"] - row["served"] - row["refused"]
        # The last arrival may be due at the very end.
        yield ["2 × overload: jobs without a result or a refusal", f"{lost}", "0", abs(lost) <= 1 and row["other"] == 0]
        grown = grown_mib(row)
        yield ["2 × overload: growth of the daemons' memory", f"{grown:+.1f} MiB", f"≤ {bar['grown_mib']} MiB",
               grown <= bar["grown_mib"]]


def bars(result):
    return [row for group in (latency_bars, throughput_bars, judge_bars, overload_bars) for row in group(result)]


# --- Tables: name -> (title, header, rows) ---

def latency_table(result):
    before = any("before" in row for row in result["latency"])
    header = ["program", "bare p50", "p99", "boxed p50", "p99", "boxed / bare", "bar", "met"]
    header += (["before p50"] if before else []) + ["rounds"]
    rows = []
    for row in result["latency"]:
        bar, is_met = latency_bar(row)
        rows.append([name_of(row)] + [ms(row[kind][p]) for kind in ("bare", "boxed") for p in ("p50", "p99")] + [
                     f"{row['boxed']['p50'] / row['bare']['p50']:.3f}", bar, met(is_met)]
                    + ([ms(row["before"]["p50"])] if before else []) + [str(row["bare"]["n"])])
    return "One run at a time, in ms; boxed: over keep-alive HTTP, to the last byte of the answer", header, rows


def ahead_table(result):
    rows = [[row["language"], ms(row["unprepared"]["p50"]), ms(row["cold"]["p50"]), ms(row["boxed"]["p50"]), ms(row["bare"]["p50"])]
            for row in result["latency"] if "unprepared" in row]
    return ("What is made ahead, and what it is worth: hello, p50 in ms. Nothing; boxes (warm = 0); interpreters in them too, as it comes",
            ["language", "nothing", "boxes", "as it comes", "bare"], rows)


def stages_table(result):
    rows = []
    for row in result["latency"]:
        if row["boxed"]["stages"]["compile"]:
            bare, boxed = row["bare"]["stages"], row["boxed"]["stages"]
            rows.append([name_of(row), ms((bare["compile"] or {}).get("p50")), ms(boxed["compile"]["p50"]),
                         ms(bare["run"]["p50"]), ms(boxed["run"]["p50"])])
    return ("Compile and run apart, p50 in ms (of a box: what its init measures)",
            ["program", "bare compile", "boxed", "bare run", "boxed"], rows)


def throughput_table(result):
    before = any("before" in point for rows in result["throughput"] for point in rows["points"])
    header = ["program", "at a time", "bare / s", "boxed / s", "boxed / bare", "bare p99", "boxed p99"] + (["before / s"] if before else [])
    rows = []
    for table in result["throughput"]:
        for point in table["points"]:
            bare, boxed = point["bare"], point["boxed"]
            rows.append([name_of(table), str(point["clients"]), f"{bare['per_s']:.1f}", f"{boxed['per_s']:.1f}",
                         f"{boxed['per_s'] / bare['per_s']:.2f} ×", ms(bare["p99"]), ms(boxed["p99"])]
                        + ([f"{point['before']['per_s']:.1f}"] if before else []))
    return "Runs a second, closed loops; p99 in ms", header, rows


def cpu_table(result):
    """At one client and where throughput is highest."""
    rows = []
    for table in result["throughput"]:
        for point in {point["clients"]: point for point in (table["points"][0], peak(table))}.values():
            bare, boxed = point["bare"], point["boxed"]
            rows.append([name_of(table), str(point["clients"])] + [f"{us / 1000:.2f}" for us in (
                bare["cpu_us"], boxed["cpu_us"], boxed["all_us"], bare["machine_us"], boxed["machine_us"])]
                + [f"{us:.0f}" for us in (boxed["glimpsed_us"], boxed["boxd_us"], boxed["client_us"])])
    return ("CPU time a run. ms: of the bare program, of the box, of the whole service with all that it makes ahead, of the machine less "
            "the client, bare and boxed. µs: of the daemons themselves, and of the client",
            ["program", "at a time", "bare", "box", "service", "machine, bare", "machine, boxed", "glimpsed µs", "boxd µs", "client µs"], rows)


def memory_table(result):
    rows = []
    for row in result["memory"]:
        for kind in ("plain", "warm"):
            if row[kind]:
                rows.append([row["language"], kind] + [f"{row[kind][name] / 1024:.2f}" if row[kind][name] is not None else "–"
                                                       for name in ("pss", "private_dirty", "cgroup")] + [f"{row['zygotes']['pss'] / 1024:.1f}"])
    return ("Memory of one idle box in MiB: its share of all pages, its own changed ones, what its cgroup is charged; "
            "and of the zygotes, once",
            ["language", "box", "PSS", "private dirty", "cgroup", "zygotes PSS"], rows)


def judge_table(result):
    rows = [[name_of(row), ms(row["bare_compile_ms"]), ms(row["bare_run"]["p50"]), ms(row["boxed_first_ms"]),
             ms(row["boxed_rest"]["p50"]), ms(row["bare_total_ms"]), ms(row["boxed_total_ms"]), f"{row['cached']} of {row['inputs']}"]
            for row in result["judge"]]
    return ("One program, many inputs, one after the other; ms. Bare: compiled once; boxed: each request sends the source",
            ["program", "bare compile", "bare run p50", "first request", "others p50", "bare, all", "boxed, all", "found compiled"], rows)


def p50_and_p99(times):
    return f"p50 {ms(times['p50'])} ms, p99 {ms(times['p99'])} ms" if times else "–"


def overload_table(result):
    row = result["overload"]
    peaks = row.get("peaks_per_s", [row["peak_per_s"]])  # those of older figures had been measured before it only
    values = [("arrivals", f"{row['rate_per_s']:.0f} a second for {row['seconds']:g} s: {row['arrived']} in all"),
              ("peak, before and after", f"{' and '.join(f'{peak:.0f}' for peak in peaks)} a second: arrivals are twice the first"),
              ("served", f"{row['served']}, {row['per_s']:.0f} a second: {row['per_s'] / row['peak_per_s']:.2f} of the peaks' mean"),
              ("turned away (429, 503)", f"{row['refused']}, {p50_and_p99(row['refused_took'])}"),
              ("anything else", str(row["other"])),
              ("served: whole request", p50_and_p99(row["took"])),
              ("served: of it waiting", p50_and_p99(row["queued"])),
              ("memory of the daemons", f"{grown_mib(row):+.1f} MiB from the first quarter to the end"),
              ("the client", f"{row['client_cpu'] * 100:.0f} % of one CPU")]
    return f"Twice the load that it can serve: {row['language']} {row['program']}", ["", ""], [list(pair) for pair in values]


BREAKDOWN = {"http": "HTTP", "request": "request", "lease": "lease", "compile": "compile", "run": "run", "rest": "rest"}


def breakdown_table(result):
    rows = [[name_of(row), ms(row["whole_ms"])] + [ms(row["parts_ms"][name]) for name in BREAKDOWN] + [ms(row["bare_ms"])]
            for row in result["breakdown"]]
    return ("Where the time of one request goes, p50 in ms. HTTP: a /healthz round trip; request: one that is refused for its language, "
            "less that; lease: LEASE to LEASED at boxd's socket; compile, run: the stage, by its init; rest: files, wake-ups, figures, "
            "the answer",
            ["program", "whole", *BREAKDOWN.values(), "bare"], rows)


def bars_table(result):
    return "Bars", ["what", "is", "bar", "met"], [[what, now, bar, met(is_met)] for what, now, bar, is_met in bars(result)]


def machine_table(result):
    machine = result["machine"]
    options = result["options"]
    virtual = ", virtual" if machine["virtual"] else ""
    busy = " (others were at work: these figures are worth little)" if result["load_before"] > BUSY else ""
    rows = [["machine", f"{machine['cpu']}, {machine['cpus']} CPUs{virtual}, {machine['memory_mib'] / 1024:.0f} GiB; "
                        f"Linux {machine['kernel']}, {machine['system']}, cgroup {machine['cgroup']}"],
            ["measured", f"{result['date'][:10]}, commit {result['commit']}, in {result['seconds'] / 60:.0f} min"
                         + (f", beside {result['before']}" if result.get("before") else "")],
            ["load before", f"{result['load_before']}{busy}; taken by the hypervisor meanwhile: {result['stolen'] * 100:.1f} %"],
            ["rounds", f"at most {options['rounds']} of each program, {options['budget']:g} s; loops of {options['seconds']:g} s"],
            ["the client", f"{result['client']['client_us']} µs of CPU a request, {result['client']['healthz_per_s']} /healthz a second"],
            ["runtimes", ", ".join(f"{language} {version}" for language, version in result["languages"].items())]]
    return "What was measured, where", ["", ""], rows


TABLES = {  # name of the table: the part that it is of, None where it is of all
    "machine": (None, machine_table), "latency": ("latency", latency_table), "ahead": ("latency", ahead_table),
    "stages": ("latency", stages_table), "throughput": ("throughput", throughput_table), "cpu": ("throughput", cpu_table),
    "memory": ("memory", memory_table), "overload": ("overload", overload_table), "judge": ("judge", judge_table),
    "breakdown": ("breakdown", breakdown_table), "bars": (None, bars_table),
}


def tables(result):
    for name, (part, make) in TABLES.items():
        if part is None or result.get(part):
            title, header, rows = make(result)
            if rows:
                yield name, title, header, rows


def as_text(result):
    lines = []
    for _, title, header, rows in tables(result):
        widths = [max(len(cell) for cell in column) for column in zip(header, *rows)]
        lines += ["", title, ""]
        for row in ([header] if any(header) else []) + rows:
            cells = [cell.rjust(width) if i and any(header) else cell.ljust(width) for i, (cell, width) in enumerate(zip(row, widths))]
            lines.append("  " + "   ".join(cells).rstrip())
    missed = [what for what, _, _, is_met in bars(result) if not is_met]
    lines += [""] + [f"!!! left out: {failure}" for failure in result["failures"]]
    lines += [f"{len(bars(result)) - len(missed)} of {len(bars(result))} bars met"]
    return "\n".join(lines)


def as_markdown(header, rows):
    head = "| " + " | ".join(header) + " |"
    line = "|---|" + "".join("---:|" if any(header) else "---|" for _ in header[1:])
    return "\n".join([head, line] + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def renew(text, result):
    """The page with the tables between `<!-- bench: NAME -->` and `<!-- /bench -->` made anew, as far as there are figures for them."""
    made = {name: as_markdown(header, rows) for name, _, header, rows in tables(result)}
    return MARK.sub(lambda found: found[1] + made[found[2]] + found[3] if found[2] in made else found[0], text)
