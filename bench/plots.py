"""The figures as pictures: SVG that reads on light and dark pages, with labels at what they name."""
import pathlib
import re

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, NullLocator

import report

# Light, and what it becomes where the reader's page is dark. Each colour means one thing in all pictures.
TEXT, FAINT, LINE, CARD = "#1f2328", "#59636e", "#d1d9e0", "#fefefe"
BARE, BOXED, COLD, BAD = "#8c959f", "#0969da", "#9cc8fb", "#cf222e"
PARTS = {"http": "#54aeff", "request": "#0550ae", "lease": "#8250df", "compile": "#bc4c00", "run": "#2da44e", "rest": "#bf8700"}
DARK = {TEXT: "#e6edf3", FAINT: "#9198a1", LINE: "#30363d", CARD: "#0d1117", BARE: "#7d8590", BOXED: "#4493f8", COLD: "#264a75",
        BAD: "#f85149"}
WIDTH_IN = 9.0
NAMES = {"c": "C", "cpp": "C++", "javascript": "JavaScript", "typescript": "TypeScript", "php": "PHP"}

matplotlib.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "glimpse", "font.size": 9.5,
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"],
    "text.color": TEXT, "axes.labelcolor": FAINT, "axes.edgecolor": LINE, "axes.linewidth": 0.8,
    "axes.facecolor": "none", "figure.facecolor": "none", "xtick.color": LINE, "ytick.color": LINE,
    "xtick.labelcolor": FAINT, "ytick.labelcolor": FAINT, "xtick.labelsize": 8.5, "ytick.labelsize": 8.5,
    "grid.color": LINE, "grid.linewidth": 0.6, "axes.spines.top": False, "axes.spines.right": False,
})


def name_of(language):
    return NAMES.get(language, language.capitalize())


def source_of(result):
    machine = result["machine"]
    system = f"{machine['cpu']}, {machine['cpus']} CPUs, Linux {machine['kernel'].split('-')[0]}"
    return f"{system} · commit {result['commit']} · {result['date'][:10]} · script/bench"


def rectangle(figure, left, top, width, height, **style):
    """In inches, from the upper left corner."""
    height_in = figure.get_figheight()
    corner = (left / WIDTH_IN, 1 - (top + height) / height_in)
    figure.add_artist(Rectangle(corner, width / WIDTH_IN, height / height_in, transform=figure.transFigure, **style))


def card(result, title, subtitle, height_in):
    """A figure with its heading and, below, what was measured. In: inches."""
    figure = Figure(figsize=(WIDTH_IN, height_in))
    edge = 0.02
    rectangle(figure, edge, edge, WIDTH_IN - 2 * edge, height_in - 2 * edge, facecolor=CARD, edgecolor=LINE, linewidth=0.8, zorder=-10)
    figure.text(0.25 / WIDTH_IN, 1 - 0.38 / height_in, title, fontsize=14, fontweight="bold")
    figure.text(0.25 / WIDTH_IN, 1 - 0.62 / height_in, subtitle, color=FAINT)
    figure.text(0.25 / WIDTH_IN, 0.16 / height_in, source_of(result), color=FAINT, fontsize=7.5)
    return figure


def axes(figure, left, top, width, height):
    """All in inches, from the upper left corner of the card."""
    height_in = figure.get_figheight()
    return figure.add_axes([left / WIDTH_IN, 1 - (top + height) / height_in, width / WIDTH_IN, height / height_in])


def quiet(ax, grid="x"):
    ax.grid(axis=grid)
    ax.set_axisbelow(True)
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)


def times(ms):
    return f"{ms:.2f}" if ms < 10 else f"{ms:.1f}" if ms < 100 else f"{ms:.0f}"


def few(value):
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def label(ax, x, y, words, colour):
    """Words at the right end of a line."""
    ax.annotate(words, (x, y), xytext=(7, 0), textcoords="offset points", color=colour, va="center", fontsize=8.5, fontweight="bold",
                annotation_clip=False)


def beside(ax, x, y, words, **style):
    """Words in a row's line, left (x < 0) or right (x > 1) of the axes."""
    ax.text(x, y, words, transform=ax.get_yaxis_transform(), va="center", **style)


# --- Latency ---

def latency(result):
    rows = result["latency"]
    ratios = [row["boxed"]["p50"] / row["bare"]["p50"] for row in rows]
    most = 1.25
    languages = list(dict.fromkeys(row["language"] for row in rows))
    row_in, gap_in, top_in = 0.235, 0.13, 1.2
    plot_in = len(rows) * row_in + len(languages) * gap_in
    figure = card(result, "A sandboxed run beside the same program started bare", "Time of a whole HTTP request, as a part of the bare "
                  "start's. Medians; left of the line is sooner than bare.", top_in + plot_in + 0.65)
    ax = axes(figure, 1.95, top_in, 4.6, plot_in)
    quiet(ax)
    y = 0.0
    for language in languages:
        y += gap_in / row_in
        figure_rows = [(row, ratio) for row, ratio in zip(rows, ratios) if row["language"] == language]
        beside(ax, -0.375, y + 0.5, name_of(language), fontweight="bold")
        for row, ratio in figure_rows:
            middle = y + 0.5
            target = target_of(row)
            is_met = report.latency_bar(row)[1]
            ax.barh(middle, min(ratio, most), height=0.62, color=BOXED if is_met is not False else BAD)
            if ratio > most:
                ax.text(most - 0.02, middle, "›", color=CARD, ha="right", va="center", fontweight="bold")
            if target is not None and target <= most:
                ax.plot([target, target], [middle - 0.46, middle + 0.46], color=TEXT, linewidth=2, solid_capstyle="butt")
            beside(ax, -0.015, middle, row["program"], color=FAINT, ha="right", fontsize=8.5)
            beside(ax, 1.02, middle, f"{ratio:.2f}", fontweight="bold", fontsize=9)
            beside(ax, 1.125, middle, f"{times(row['boxed']['p50'])} ms, bare {times(row['bare']['p50'])} ms", color=FAINT, fontsize=8.5)
            y += 1
    ax.axvline(1, color=TEXT, linewidth=1.1)
    ax.text(1, -0.25, "bare", ha="center", va="bottom", fontweight="bold", fontsize=9)
    ax.set_ylim(y, 0)
    ax.set_xlim(0, most)
    ax.set_xticks([0, .25, .5, .75, 1, 1.25])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g} ×"))
    ax.yaxis.set_major_locator(NullLocator())
    legend(figure, 1.95, 0.86, [(BOXED, "boxed"), (BAD, "boxed, over its bar"), ("|", "bar that it has to stay left of")])
    return figure


def target_of(row):
    """The bar as a ratio; None: there is none."""
    bar = report.BARS["latency"].get(f"{row['language']}.{row['program']}")
    if bar is None:
        return None
    return bar.get("ratio") or 1 + bar["plus_ms"] / row["bare"]["p50"]


def legend(figure, left, top, entries):
    """Marks and words; in inches. Only where a label at the mark itself would stand a hundred times."""
    height_in = figure.get_figheight()
    x = left
    for colour, words in entries:
        if x + 0.2 + 0.062 * len(words) > WIDTH_IN - 0.2:
            x, top = left, top + 0.19
        if colour == "|":
            figure.text((x + 0.04) / WIDTH_IN, 1 - top / height_in, "|", color=TEXT, fontweight="bold", va="center")
        else:
            rectangle(figure, x, top - 0.05, 0.13, 0.1, facecolor=colour, edgecolor="none")
        figure.text((x + 0.2) / WIDTH_IN, 1 - top / height_in, words, color=FAINT, va="center", fontsize=8.5)
        x += 0.42 + 0.062 * len(words)


# --- Throughput ---

def throughput(result):
    tables = result["throughput"]
    columns, cell_in, row_in = 3, 2.85, 2.05
    n_rows = -(-len(tables) // columns)
    figure = card(result, "Runs a second", f"hello in closed loops, boxed over HTTP and bare, on the same {result['machine']['cpus']} CPUs; "
                  "across: how many at a time.", 1.0 + n_rows * row_in + 0.35)
    for i, table in enumerate(tables):
        ax = axes(figure, 0.55 + (i % columns) * cell_in, 1.2 + (i // columns) * row_in, cell_in - 1.2, row_in - 0.75)
        quiet(ax, "y")
        clients = [point["clients"] for point in table["points"]]
        most = max(point[kind]["per_s"] for point in table["points"] for kind in ("bare", "boxed"))
        ends = {kind: table["points"][-1][kind]["per_s"] for kind in ("bare", "boxed")}
        apart = abs(ends["bare"] - ends["boxed"]) < 0.16 * most
        for kind, colour in (("bare", BARE), ("boxed", BOXED)):
            values = [point[kind]["per_s"] for point in table["points"]]
            ax.plot(range(len(clients)), values, color=colour, linewidth=2, marker="o", markersize=3.5, clip_on=False)
            shift = 0 if not apart else (0.09 * most if ends[kind] == max(ends.values()) else -0.09 * most)
            label(ax, len(clients) - 1, values[-1] + shift, f"{kind} {few(max(values))}", colour)
        ax.set_title(name_of(table["language"]), loc="left", fontweight="bold", fontsize=10)
        ax.set_ylim(0, most * 1.08)
        ax.set_xlim(0, max(1, len(clients) - 1))
        ax.set_xticks(range(len(clients)), [str(n) for n in clients])
        ax.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4, integer=most > 4))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y / 1000:g}k" if y >= 1000 else f"{y:g}"))
    return figure


# --- CPU time ---

def cpu(result):
    tables = result["throughput"]
    row_in, top_in = 0.36, 1.25
    figure = card(result, "CPU time of a run", "hello, where throughput is highest; as a part of what the bare program takes.",
                  top_in + len(tables) * row_in + 0.65)
    ax = axes(figure, 1.35, top_in, 4.9, len(tables) * row_in)
    quiet(ax)
    most = 1.0
    for y, table in enumerate(tables):
        point = report.peak(table)
        bare = point["bare"]["cpu_us"]
        box, service = point["boxed"]["cpu_us"] / bare, max(point["boxed"]["all_us"], point["boxed"]["cpu_us"]) / bare
        most = max(most, service)
        ax.barh(y, box, height=0.6, color=BOXED)
        ax.barh(y, service - box, left=box, height=0.6, color=COLD)
        beside(ax, -0.015, y, name_of(table["language"]), ha="right", fontweight="bold")
        beside(ax, 1.02, y, f"{service:.2f}", fontweight="bold")
        beside(ax, 1.11, y, f"{times(point['boxed']['all_us'] / 1000)} ms, bare {times(bare / 1000)} ms", color=FAINT, fontsize=8.5)
    ax.axvline(1, color=TEXT, linewidth=1.1)
    ax.text(1, -0.62, "bare", ha="center", va="bottom", fontweight="bold", fontsize=9)
    ax.set_ylim(len(tables) - 0.5, -0.5)
    ax.set_xlim(0, most * 1.03)
    ax.yaxis.set_major_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g} ×"))
    legend(figure, 1.35, 0.86, [(BOXED, "the box, from the request on"),
                                (COLD, "everything else of the service: boxes made ahead, both daemons")])
    return figure


# --- Overload ---

def overload(result):
    row = result["overload"]
    timeline, memory = row["timeline"], row["memory"]
    seconds = [second["s"] + 0.5 for second in timeline]
    figure = card(result, "Twice the load that it can serve", f"{name_of(row['language'])} hello, {row['rate_per_s']:.0f} requests a second "
                  f"for {row['seconds']:g} s, whether or not the ones before have been answered.", 5.9)
    left, width = 0.75, 6.3
    last = row["seconds"]

    def panel(top, height, title):
        ax = axes(figure, left, top, width, height)
        quiet(ax, "y")
        ax.set_xlim(0, last)
        ax.set_title(title, loc="left", fontweight="bold", fontsize=10)
        return ax

    ax = panel(1.15, 1.45, "Answers a second")
    served, refused = [second["served"] for second in timeline], [second["refused"] for second in timeline]
    ax.stackplot(seconds, served, refused, colors=[BOXED, LINE])
    ax.axhline(row["peak_per_s"], color=TEXT, linewidth=1.2, linestyle=(0, (4, 2)))
    label(ax, last, row["peak_per_s"], "peak, not overloaded", TEXT)
    label(ax, last, row["per_s"] / 2, f"served: {row['per_s']:.0f} a second", BOXED)
    label(ax, last, row["per_s"] + (row["rate_per_s"] - row["per_s"]) * 0.65, "turned away\nat once", FAINT)
    ax.set_ylim(0, row["rate_per_s"] * 1.12)
    ax.set_xticklabels([])
    ax = panel(3.0, 0.9, "Time of what is served, ms")
    for name, style in (("p50_ms", {"linewidth": 2}), ("p99_ms", {"linewidth": 1, "linestyle": (0, (3, 1.5))})):
        points = [(s, second[name]) for s, second in zip(seconds, timeline) if second[name] is not None]
        ax.plot(*zip(*points), color=BOXED, **style)
    p50, p99 = (next((second[name] for second in reversed(timeline) if second[name] is not None), 0) for name in ("p50_ms", "p99_ms"))
    top = max(second["p99_ms"] or 0 for second in timeline) * 1.12
    apart = max(0, 0.2 * top - abs(p99 - p50)) / 2
    label(ax, last, p50 - apart, f"p50, of all {row['took']['p50']:.0f} ms", BOXED)
    label(ax, last, p99 + apart, f"p99, of all {row['took']['p99']:.0f} ms", BOXED)
    ax.set_ylim(0, top)
    ax.set_xticklabels([])
    ax = panel(4.3, 0.75, "Memory of the daemons, MiB")
    for name, words, colour in (("glimpsed_kb", "glimpsed", BOXED), ("boxd_kb", "glimpse-boxd", TEXT)):
        inside = [sample for sample in memory if sample["s"] <= last]
        ax.plot([sample["s"] for sample in inside], [sample[name] / 1024 for sample in inside], color=colour, linewidth=2)
        label(ax, last, inside[-1][name] / 1024, words, colour)
    ax.set_ylim(0, max(sample[name] for sample in memory for name in ("glimpsed_kb", "boxd_kb")) / 1024 * 1.25)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g} s"))
    return figure


# --- Breakdown ---

WORDS = {"http": "HTTP there and back", "request": "reading the request", "lease": "leasing the box", "compile": "compiling",
         "run": "the program", "rest": "files, wake-ups, answer"}


def breakdown(result):
    quick = [row for row in result["breakdown"] if row["whole_ms"] < 10]
    slow = [row for row in result["breakdown"] if row["whole_ms"] >= 10]
    row_in, top_in, between_in = 0.36, 1.35, 0.55
    height = top_in + sum(len(rows) * row_in + between_in for rows in (quick, slow) if rows) + 0.35
    figure = card(result, "Where the time of one request goes", "hello, medians, in ms; each step was timed from outside, alone.", height)
    top = top_in
    for rows in (quick, slow):
        if not rows:
            continue
        ax = axes(figure, 1.35, top, 5.8, len(rows) * row_in)
        quiet(ax)
        for y, row in enumerate(rows):
            left = 0
            for name, colour in PARTS.items():
                part = max(0, row["parts_ms"][name])
                ax.barh(y, part, left=left, height=0.6, color=colour)
                left += part
            beside(ax, -0.015, y, name_of(row["language"]), ha="right", fontweight="bold")
            beside(ax, 1.02, y, f"{times(row['whole_ms'])} ms", fontweight="bold")
            beside(ax, 1.14, y, f"bare {times(row['bare_ms'])} ms", color=FAINT, fontsize=8.5)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_xlim(0, max(row["whole_ms"] for row in rows) * 1.02)
        ax.yaxis.set_major_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g} ms"))
        top += len(rows) * row_in + between_in
    legend(figure, 0.25, 0.9, [(colour, WORDS[name]) for name, colour in PARTS.items()])
    return figure


# --- Files ---

PICTURES = {"latency": ("latency", latency), "throughput": ("throughput", throughput), "cpu": ("throughput", cpu),
            "overload": ("overload", overload), "breakdown": ("breakdown", breakdown)}


def with_dark(svg):
    """The colours of a dark page are chosen by the picture itself: it can't know the page's, but its own card goes with them."""
    rules = "".join(f'[style*="{what}: {light}"] {{{what}: {dark} !important}}'
                    for light, dark in DARK.items() for what in ("fill", "stroke"))
    fonts = "text {font-family: system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif !important}"
    style = f"<style>{fonts} @media (prefers-color-scheme: dark) {{{rules}}}</style>"
    return re.sub(r"(<svg [^>]*>)", lambda found: found[1] + style, svg, count=1)


def draw(result, folder):
    """Writes a picture for each part that was measured; their paths."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, (part, make) in PICTURES.items():
        if result.get(part):
            path = folder / f"{name}.svg"
            make(result).savefig(path, metadata={"Date": None, "Creator": "script/bench", "Title": f"Glimpse: {name}"})
            path.write_text(with_dark(path.read_text()))
            paths.append(path)
    return paths
