"""docs/openapi.yaml as a judge of answers."""
import json
import re
import urllib.parse

import jsonschema
import yaml

import glimpse_server

# Of HTTP itself, for any path: what can't be read as a request to it.
EVERYWHERE = {"400", "403", "404", "405", "408", "413", "414", "431", "501", "503"}
GATE = {"401", "403", "429"}  # for any path as well: who asks may not, or not now
PROBLEM = "application/problem+json"


class Contract:
    def __init__(self, path=glimpse_server.ROOT / "docs" / "openapi.yaml"):
        self.document = yaml.safe_load(path.read_text())
        self.resolver = jsonschema.RefResolver("", self.document)
        self.paths = [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + r"\Z"), path) for path in self.document["paths"]]
        self.paths.sort(key=lambda pair: pair[1].count("{"))  # what is written out goes first

    def path_of(self, url):
        path = urllib.parse.unquote(urllib.parse.urlsplit(url).path) or "/"
        return next((template for pattern, template in self.paths if pattern.match(path)), None)

    def resolve(self, part):
        return self.resolver.resolve(part["$ref"])[1] if "$ref" in part else part

    def check(self, method, url, status, content_type, body):
        """Raises an AssertionError that says what docs/openapi.yaml does not know of this answer."""
        path = self.path_of(url)
        operation = self.document["paths"][path].get("get" if method == "HEAD" else method.lower()) if path else None
        where = f"docs/openapi.yaml: {method} {path or url}"
        kind = (content_type or "").partition(";")[0]
        if operation is None:  # preflight requests are HTTP's
            assert method == "OPTIONS" or status in (400, 404, 405, 413, 414, 431, 501), f"{where} is not there, and answered {status}"
            schema = {"$ref": "#/components/schemas/Problem"} if kind == PROBLEM else None
        elif str(status) in GATE and kind == PROBLEM:
            schema = {"$ref": "#/components/schemas/Problem"}
        elif str(status) in operation["responses"]:
            content = self.resolve(operation["responses"][str(status)]).get("content", {})
            assert kind in content or not (kind or content), f"{where}: {status} as {kind or 'nothing'} is not there"
            schema = content.get(kind, {}).get("schema")
        else:
            assert str(status) in EVERYWHERE and kind == PROBLEM, f"{where}: {status} as {kind} is not there"
            schema = {"$ref": "#/components/schemas/Problem"}
        if schema is not None and method != "HEAD":
            for document in self.documents(kind, body):
                self.validate(schema, document, f"{where}: {status}")

    @staticmethod
    def documents(kind, body):
        """What of a body is JSON."""
        text = body if isinstance(body, str) else body.decode()
        if kind == "application/x-ndjson":
            return [json.loads(line) for line in text.removesuffix("\n").split("\n")]
        if kind == "text/event-stream":
            return [json.loads(line.removeprefix("data: ")) for line in text.split("\n") if line.startswith("data: ")]
        return [json.loads(text)] if kind.endswith("json") else []

    def validate(self, schema, value, where):
        validator = jsonschema.Draft202012Validator(schema, resolver=self.resolver)
        error = jsonschema.exceptions.best_match(validator.iter_errors(value))
        assert error is None, f"{where}: {error.json_path}: {error.message}"
