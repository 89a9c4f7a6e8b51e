"""GET /v1/languages, /healthz, /readyz."""
FOURTEEN = {"python", "javascript", "typescript", "c", "cpp", "java", "kotlin", "go", "ruby", "bash", "php", "perl", "lua", "r"}
LIMITS = {"wall_time_ms", "cpu_time_ms", "memory_bytes", "processes", "output_bytes", "file_bytes", "box_bytes", "open_files"}


def test_languages(server):
    languages = {one["id"]: one for one in server.get("/v1/languages").json()["languages"]}
    assert FOURTEEN <= set(languages)
    for one in languages.values():
        assert set(one) == {"id", "name", "version", "aliases", "suffixes", "available", "unavailable", "stages", "repl", "hello",
                            "default_limits", "max_limits"}
        assert one["available"] == (one["unavailable"] is None)
        assert one["stages"] in (["run"], ["compile", "run"])
        assert set(one["hello"]) == {"name", "content"} and one["hello"]["content"]
        for limits in (one["default_limits"], one["max_limits"]):
            assert list(limits) == one["stages"]
            assert all(set(stage) == LIMITS for stage in limits.values())
        for stage in one["stages"]:
            assert all(one["default_limits"][stage][name] <= one["max_limits"][stage][name] for name in LIMITS)
    assert languages["python"]["available"] and languages["python"]["version"].startswith("3.")
    assert languages["c"]["stages"] == ["compile", "run"]


def test_every_hello_is_accepted_by_its_own_name(server):
    python = next(one for one in server.get("/v1/languages").json()["languages"] if one["id"] == "python")
    body = server.run({"language": "python", "files": [python["hello"]]})
    assert body["status"] == "ok" and body["stages"]["run"]["stdout"]


def test_health_and_readiness(server):
    assert server.get("/healthz").json()["status"] == "ok"
    answer = server.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "reasons": []})


def test_head_is_get_without_the_body(server):
    import requests
    answer = requests.head(server.url + "/healthz", timeout=10)
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(server.get("/healthz").content)
    assert answer.content == b""
