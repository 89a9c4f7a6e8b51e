"""POST /v1/snippets, GET and DELETE /v1/snippets/{id}: what is kept comes back, for as long, to those who may."""
import datetime
import json
import sqlite3

import pytest

from glimpse_server import Server

SMALL = {"language": "python", "files": [{"name": "main.py", "content": "print(1)\n"}]}


def share(server, **fields):
    answer = server.post("/v1/snippets", {**SMALL, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_what_is_kept_comes_back(server):
    files = [{"name": "a/main.py", "content": "print('\u00e9\u2028\\u0000')\n"}, {"name": "b.bin", "content": "/wA=", "encoding": "base64"}]
    kept = share(server, language="PY", files=files, stdin="typed\n", args=["one", "two \"three\""])
    got = server.get(f"/v1/snippets/{kept['id']}").json()
    assert got["language"] == "python"
    assert got["files"] == [{"encoding": "utf8", **files[0]}, files[1]]
    assert got["stdin"] == {"encoding": "utf8", "content": "typed\n"} and got["args"] == ["one", "two \"three\""]
    assert kept["page"] == f"/s/{kept['id']}"
    assert server.run({key: got[key] for key in ("language", "files", "stdin", "args")})["language"] == "python"


def test_ids_and_tokens_are_each_another(server):
    kept = [share(server) for _ in range(20)]
    assert len({one["id"] for one in kept}) == len({one["deletion_token"] for one in kept}) == 20


def test_the_author_deletes_it_and_nobody_else(server):
    mine, other = share(server), share(server)
    path = f"/v1/snippets/{mine['id']}"

    def delete(token):
        return server.delete(path, headers={} if token is None else {"X-Deletion-Token": token}).status_code

    assert delete(None) == delete("") == delete(other["deletion_token"]) == delete(mine["deletion_token"][:-1]) == 403
    assert server.get(path).status_code == 200
    assert delete(mine["deletion_token"]) == 204
    assert server.get(path).status_code == delete(mine["deletion_token"]) == 404
    assert server.get(f"/v1/snippets/{other['id']}").status_code == 200


@pytest.mark.parametrize("name", ["nothing", "AAAAAAAAAAAAAAAA", "' OR 1=1 --123456", "A" * 400, "%00" * 16])
def test_others_are_not_there(server, name, problem):
    problem(server.get(f"/v1/snippets/{name}"), 404)


def test_it_expires(server):
    for days in (1, 365):
        kept = share(server, expires_in_days=days)
        created, expires = (datetime.datetime.fromisoformat(kept[key].replace("Z", "+00:00")) for key in ("created_at", "expires_at"))
        assert expires - created == datetime.timedelta(days=days)
    assert "T" in share(server, expires_in_days=None)["expires_at"]


def test_what_has_expired_is_not_given_out_and_goes():
    with Server() as server:
        old = share(server)
        database = sqlite3.connect(server.data / "glimpse.db")
        with database:
            database.execute("UPDATE snippets SET expires_us = 1")
        assert server.get(f"/v1/snippets/{old['id']}").status_code == 404
        new = share(server)
        assert [row[0] for row in database.execute("SELECT id FROM snippets")] == [new["id"]]
        # Of a token a hash is there, and nothing else.
        assert new["deletion_token"].encode() not in (server.data / "glimpse.db").read_bytes() + (server.data / "glimpse.db-wal").read_bytes()
        database.close()


@pytest.mark.parametrize("fields, field", [
    ({"language": "cobol"}, "language"),
    ({"language": 7}, "language"),
    ({"files": []}, "files"),
    ({"files": None}, "files"),
    ({"files": [{"name": "../x", "content": ""}]}, "files[0].name"),
    ({"files": [{"name": "x"}]}, "files[0].content"),
    ({"code": "print(1)"}, "code"),
    ({"limits": {}}, "limits"),
    ({"env": {}}, "env"),
    ({"stdin": 1}, "stdin"),
    ({"args": [1]}, "args[0]"),
    ({"expires_in_days": 0}, "expires_in_days"),
    ({"expires_in_days": 366}, "expires_in_days"),
    ({"expires_in_days": -1}, "expires_in_days"),
    ({"expires_in_days": "7"}, "expires_in_days"),
    ({"expires_in_days": 1.5}, "expires_in_days"),
])
def test_bad_fields(server, fields, field, problem):
    problem(server.post("/v1/snippets", {**SMALL, **fields}), 422, field)


def test_size_is_bounded(server, problem):
    assert share(server, files=[{"name": "x.py", "content": "#" * 250_000}])
    problem(server.post("/v1/snippets", {**SMALL, "stdin": "#" * 263_000}), 413)
    problem(server.post("/v1/snippets", {**SMALL, "stdin": "\u0001" * 60_000}), 413)  # as JSON it is six times as long
    problem(server.post("/v1/snippets", json.dumps(SMALL).encode()[:-1]), 400)


def test_number_is_bounded(problem):
    with Server(config={"snippets": 2}) as server:
        first, _ = share(server), share(server)
        problem(server.post("/v1/snippets", SMALL), 503)
        server.delete(f"/v1/snippets/{first['id']}", headers={"X-Deletion-Token": first["deletion_token"]})
        share(server)


def test_sharing_can_be_turned_off(problem):
    with Server(config={"snippets": 0}) as server:
        problem(server.post("/v1/snippets", SMALL), 403)


def test_they_survive_a_restart():
    server = Server()
    try:
        kept = share(server.start())
        server.process.terminate()
        server.wait(60)
        assert server.start().get(f"/v1/snippets/{kept['id']}").json()["files"][0]["content"] == "print(1)\n"
    finally:
        server.stop()
