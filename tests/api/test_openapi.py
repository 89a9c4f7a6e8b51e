"""/openapi.json is docs/openapi.yaml, which is OpenAPI, has every route, and says no to answers that are not as it says."""
import re

import jsonschema
import pytest

import glimpse_server
from contract import Contract


@pytest.fixture(scope="module")
def contract():
    return Contract()


def test_it_is_served(server, contract):
    served = server.get("/openapi.json").json()
    assert re.fullmatch(r"\d+\.\d+\.\d+", served["info"].pop("version"))
    contract.document["info"].pop("version")
    assert served == contract.document


def test_every_route_is_there_and_nothing_else(contract):
    routes = re.findall(r'\{"([A-Z]+)",\s+"([^"]+)"', (glimpse_server.ROOT / "src" / "api" / "routes.c").read_text())
    described = {(method.upper(), path) for path, item in contract.document["paths"].items() for method in item if method != "parameters"}
    assert described == set(routes)


def test_it_is_whole(contract):
    """Every reference leads somewhere, every schema is one, each operation has a name of its own."""
    names = []

    def walk(value):
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                contract.resolver.resolve(value["$ref"])
            if isinstance(value.get("schema"), dict):
                jsonschema.Draft202012Validator.check_schema(value["schema"])
            names.extend([value["operationId"]] if "operationId" in value else [])
            for child in value.values():
                walk(child)
        elif isinstance(value, list):
            for child in value:
                walk(child)

    walk(contract.document)
    for schema in contract.document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    assert len(names) == len(set(names)) > 10


def test_the_limits_are_those_of_the_code(contract):
    mib, gib = 1 << 20, 1 << 30
    rows = re.findall(r'ROW\((\w+),\s+"\w*",\s+([\w *]+),\s+([\w *]+),', (glimpse_server.ROOT / "src" / "model" / "limits.c").read_text())
    number = lambda text: eval(text, {"MIB": mib, "GIB": gib})  # pylint: disable=eval-used # C's numbers are Python's
    described = contract.document["components"]["schemas"]["Limits"]["properties"]
    assert {name: (number(low), number(high)) for name, low, high in rows} \
        == {name: (limit["minimum"], limit["maximum"]) for name, limit in described.items()}


def test_examples_are_right(server, contract):
    for example in contract.document["components"]["schemas"]["RunRequest"]["examples"]:
        contract.validate({"$ref": "#/components/schemas/RunRequest"}, example, "example")
        assert server.run(example)["status"] == "ok"


@pytest.mark.parametrize("answer", [
    ("POST", "/v1/run", 200, "application/json", "{}"),
    ("POST", "/v1/run", 200, "text/html", ""),
    ("POST", "/v1/run", 418, "application/json", "{}"),
    ("POST", "/v1/never", 200, "application/json", "{}"),
    ("GET", "/healthz", 200, "application/json", '{"status": "ok", "version": "1", "more": 1}'),
    ("POST", "/run/python", 200, "application/json", '{"message": 1}'),
    ("POST", "/v1/run", 422, "application/problem+json", '{"type": "about:blank", "title": "x", "status": 42, "detail": "x"}'),
])
def test_other_answers_are_refused(contract, answer):
    with pytest.raises(AssertionError):
        contract.check(*answer)
