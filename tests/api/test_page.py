"""How glimpsed serves the playground's files. What is in them is tests/web's affair: here they are made up."""
import gzip

import pytest
import requests

from glimpse_server import Server

HTML = "<!doctype html><title>Glimpse</title>"
SCRIPT = "console.log('hello');\n" * 20


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    (folder / "assets").mkdir()
    (folder / "index.html").write_text(HTML)
    (folder / "embed.html").write_text(HTML)
    (folder / "embed.js").write_text(SCRIPT)
    (folder / "assets" / "page-1.js").write_text(SCRIPT)
    (folder / "assets" / "page-1.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    for path in [folder, *folder.parents][:3]:  # pytest makes them for its own user only, and glimpsed is another
        path.chmod(0o755)
    with Server(config={"web_dir": folder}) as running:
        yield running


BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_browsers_get_the_page_and_others_the_old_answer(page):
    answer = page.get("/", headers=BROWSER)
    assert (answer.status_code, answer.text) == (200, HTML)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Accept" in answer.headers["Vary"]
    assert page.get("/").json()["name"] == "glimpse"
    assert page.get("/", headers={"Accept": "application/json"}).json()["name"] == "glimpse"


def test_the_page_may_load_nothing_from_elsewhere_and_nobody_frames_it(page):
    headers = page.get("/", headers=BROWSER).headers
    policy = dict(rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_the_page_for_frames_may_be_framed_by_anybody(page):
    headers = page.get("/embed", headers=BROWSER).headers
    assert "frame-ancestors *" in headers["Content-Security-Policy"] and "unsafe" not in headers["Content-Security-Policy"]
    for path in ("/embed", "/embed.js", "/assets/page-1.js"):
        assert page.get(path).headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert page.get("/embed.js").headers["Content-Type"].startswith("text/javascript")
    assert "Cross-Origin-Resource-Policy" not in page.get("/", headers=BROWSER).headers


def test_files_are_packed_for_who_takes_it(page):
    packed = page.get("/assets/page-1.js", headers={"Accept-Encoding": "gzip"})
    plain = page.get("/assets/page-1.js", headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
    assert packed.text == plain.text == SCRIPT
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) == len(SCRIPT)
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept, Accept-Encoding"
    assert plain.headers["Content-Type"] == "text/javascript; charset=utf-8"


def test_hashed_files_are_kept_for_ever_and_the_page_is_asked_for(page):
    assert "immutable" in page.get("/assets/page-1.js").headers["Cache-Control"]
    first = page.get("/", headers=BROWSER)
    assert first.headers["Cache-Control"] == "no-cache"
    again = page.get("/", headers={**BROWSER, "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.text) == (304, "")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert page.get("/", headers={**BROWSER, "If-None-Match": '"another"'}).status_code == 200


def test_head_says_what_get_would(page):
    head = requests.head(page.url + "/assets/page-1.js", headers={"Accept-Encoding": "identity"}, timeout=10)
    assert head.status_code == 200 and head.text == ""
    assert int(head.headers["Content-Length"]) == len(SCRIPT)


@pytest.mark.parametrize("path", ["/assets/nothing.js", "/assets/..%2findex.html", "/assets/%2e%2e/index.html", "/assets/page-1.js.gz",
                                  "/assets/", "/assets/%00", "/index.html", "/assets/page-1.js/"])
def test_other_names_are_not_there(page, path):
    assert page.get(path).status_code == 404


def test_without_files_the_page_says_so():
    with Server(config={"web_dir": "/nonexistent/glimpse-web"}) as server:
        answer = server.get("/", headers=BROWSER)
        assert answer.status_code == 404 and "script/server" in answer.text
        assert server.get("/").json()["name"] == "glimpse"
        assert server.run({"language": "bash", "code": "echo 1"})["stages"]["run"]["stdout"] == "1\n"
