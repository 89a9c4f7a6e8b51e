"""Container and workflow files, as far as they can be checked without an engine: what they name is there, and they parse.
There is no container engine here: the image is NOT built by any test."""
import re

import yaml

from glimpse_server import ROOT


def test_the_containerfile_names_what_is_there():
    text = (ROOT / "packaging/container/Containerfile").read_text()
    instructions = re.findall(r"(?m)^([A-Z]+) ", text)
    assert set(instructions) <= {"FROM", "RUN", "COPY", "WORKDIR", "VOLUME", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL", "ENTRYPOINT", "ENV"}
    assert instructions[0] == "FROM" and instructions.count("ENTRYPOINT") == 1
    for path in re.findall(r"\b(script/\w+)", text.partition("FROM")[2]):
        assert (ROOT / path).is_file(), path
    assert re.search(r'ENTRYPOINT \["/usr/bin/glimpse", "serve"', text)


def test_compose():
    compose = yaml.safe_load((ROOT / "packaging/container/compose.yaml").read_text())
    service = compose["services"]["glimpse"]
    folder = ROOT / "packaging/container" / service["build"]["context"]
    assert (folder / service["build"]["dockerfile"]).is_file()
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert "privileged" not in service
    assert {volume.split(":")[0] for volume in service["volumes"]} == set(compose["volumes"])


def test_the_workflow_calls_what_is_there():
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
    assert True in workflow or "on" in workflow  # YAML 1.1 reads the word as a boolean
    steps = workflow["jobs"]["test"]["steps"]
    runs = [step["run"] for step in steps if "run" in step]
    assert "script/test" in runs
    for run in runs:
        for path in re.findall(r"\bscript/\w+", run):
            assert (ROOT / path).is_file(), path
