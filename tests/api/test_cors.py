"""Which pages may call: as `allow_origins` says, and any the endpoints of replaced services."""
import pytest

from glimpse_server import Server

PAGE = "https://page.example"
PROGRAM = {"language": "bash", "code": "echo 1"}


@pytest.fixture(scope="module")
def some():
    with Server(config={"allow_origins": f"{PAGE} http://localhost:5173"}) as running:
        yield running


@pytest.fixture(scope="module")
def all_pages():
    with Server(config={"allow_origins": "*"}) as running:
        yield running


def preflight(server, path, origin):
    return server.request("OPTIONS", path, headers={"Origin": origin, "Access-Control-Request-Method": "POST",
                                                    "Access-Control-Request-Headers": "content-type,x-api-key"})


def words(header):
    return {word.strip().lower() for word in header.split(",")}


@pytest.mark.parametrize("origin", [PAGE, "http://localhost:5173"])
def test_a_page_that_may(some, origin):
    asked = preflight(some, "/v1/run", origin)
    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Origin"] == origin
    assert asked.headers["Vary"] == "Origin"
    assert words(asked.headers["Access-Control-Allow-Methods"]) == {"post"}
    assert words(asked.headers["Access-Control-Allow-Headers"]) >= {"content-type", "authorization", "x-api-key", "idempotency-key"}
    answer = some.post("/v1/run", PROGRAM, headers={"Origin": origin})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert words(answer.headers["Access-Control-Expose-Headers"]) >= {"retry-after", "ratelimit", "ratelimit-policy", "location"}
    for one in (asked, answer):
        assert "Access-Control-Allow-Credentials" not in one.headers


def test_an_error_can_be_read_too(some):
    answer = some.post("/v1/run", {"language": 1}, headers={"Origin": PAGE})
    assert answer.status_code == 422
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


@pytest.mark.parametrize("origin", [
    "https://page.example.evil.example", "http://page.example", "https://page.example:8443", "https://evil.example", "null",
    "https://page.example, https://evil.example", "x" * 10000,
])
def test_a_page_that_may_not(some, problem, origin):
    assert "allow_origins" in problem(preflight(some, "/v1/run", origin), 403)
    answer = some.post("/v1/run", PROGRAM, headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["Vary"] == "Origin"


def test_none_may_by_default(server, problem):
    problem(preflight(server, "/v1/run", PAGE), 403)
    answer = server.post("/v1/run", PROGRAM, headers={"Origin": PAGE})
    assert not {"Access-Control-Allow-Origin", "Vary"} & set(answer.headers)
    assert server.request("OPTIONS", "/v1/run").status_code == 405  # no page asks


def test_all_may(all_pages):
    for path in ("/v1/run", "/execute"):
        asked = preflight(all_pages, path, "https://any.example")
        assert asked.status_code == 204
        assert asked.headers["Access-Control-Allow-Origin"] == "*"
        assert not {"Access-Control-Allow-Credentials", "Vary"} & set(asked.headers)
    assert all_pages.get("/v1/languages", headers={"Origin": "null"}).headers["Access-Control-Allow-Origin"] == "*"


def test_replaced_services_are_open_in_any_case(some):
    assert some.post("/execute", {"code": "print(1)"}, headers={"Origin": "https://any.example"}).headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("value", ["page.example", "https://", "https://page.example/", "https://page.example/path", "https://*.example", "://x"])
def test_a_wrong_setting_stops_the_start(value):
    server = Server(environment={"GLIMPSE_ALLOW_ORIGINS": value})
    with pytest.raises(AssertionError, match="is no origin"):
        server.start()
    server.stop()
