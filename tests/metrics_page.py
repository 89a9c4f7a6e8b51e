"""GET /metrics, as Prometheus would read it: parsed, and with what its own linter (promtool) asks of names."""
import re
import shutil
import subprocess

from prometheus_client.parser import text_string_to_metric_families

# The class of an instance's own figures keep their names in every client library: without our prefix.
PREFIXES = ("glimpse_", "process_")


class Page:
    def __init__(self, text):
        self.text = text
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = {}
        for family in self.families.values():
            for sample in family.samples:
                key = (sample.name, tuple(sorted(sample.labels.items())))
                assert key not in self.samples, f"twice: {key}"
                self.samples[key] = sample.value

    def value(self, name, default=0, **labels):
        """Of a sample; default where it is not there."""
        return self.samples.get((name, tuple(sorted(labels.items()))), default)

    def all(self, name):
        """Every sample of this name, as (labels, value)."""
        return [(dict(labels), value) for (sample, labels), value in self.samples.items() if sample == name]


def read(server):
    answer = server.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    page = Page(answer.text)
    lint(page)
    return page


def lint(page):
    for family in page.families.values():
        assert family.name.startswith(PREFIXES), family.name
        assert family.documentation.endswith("."), family.name
        assert family.type in ("counter", "gauge", "histogram"), family.name
        for sample in family.samples:
            # The parser leaves _total away from the name of a counter's family.
            assert (family.type == "counter") == sample.name.endswith("_total"), sample.name
            assert re.fullmatch("[a-z][a-z0-9_]*", sample.name)
            assert not re.search("_(ms|us|milliseconds|kilobytes|mb|kb|minutes)(_|$)", sample.name), sample.name
            assert sample.value >= 0
        if family.type == "histogram":
            lint_histogram(family)
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=page.text, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def lint_histogram(family):
    """Buckets never fall, and the last has all."""
    series = {}
    for sample in family.samples:
        labels = {name: value for name, value in sample.labels.items() if name != "le"}
        series.setdefault(tuple(sorted(labels.items())), []).append(sample)
    for samples in series.values():
        buckets = [(float(one.labels["le"]), one.value) for one in samples if one.name.endswith("_bucket")]
        assert buckets == sorted(buckets) and buckets[-1][0] == float("inf")
        assert [count for _, count in buckets] == sorted(count for _, count in buckets)
        count = next(one.value for one in samples if one.name.endswith("_count"))
        assert count == buckets[-1][1]
