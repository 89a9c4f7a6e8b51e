import socket

import pytest
import requests

from contract import Contract


@pytest.fixture(scope="session", autouse=True)
def contract_is_kept():
    """Every answer that requests gets in these tests is as docs/openapi.yaml says."""
    contract, plain = Contract(), requests.Session.send

    def send(session, request, **options):
        answer = plain(session, request, **options)
        if not options.get("stream"):  # then it is still to come
            contract.check(request.method, request.url, answer.status_code, answer.headers.get("Content-Type"), answer.content)
        return answer

    requests.Session.send = send
    yield
    requests.Session.send = plain


class RawAnswer:
    """One HTTP response as it came over the socket."""

    def __init__(self, data):
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}


class RawClient:
    """A socket, for requests that no HTTP library would send."""

    def __init__(self, server):
        self.sock = socket.create_connection((server.host, server.port), timeout=30)
        self.buffer = b""

    def send(self, data):
        self.sock.sendall(data)
        return self

    def answer(self):
        """The next response, by its Content-Length; None at the end of the connection."""
        while b"\r\n\r\n" not in self.buffer:
            if not self._more():
                return None
        head_len = self.buffer.index(b"\r\n\r\n") + 4
        answer = RawAnswer(self.buffer[:head_len])
        body_len = int(answer.headers.get("content-length", 0))
        while len(self.buffer) < head_len + body_len:
            assert self._more(), "the connection ended in the middle of a body"
        answer.body = self.buffer[head_len:head_len + body_len]
        self.buffer = self.buffer[head_len + body_len:]
        return answer

    def is_closed(self):
        """True where the server has closed, or does so within the socket's timeout."""
        try:
            return not self._more()
        except ConnectionError:
            return True

    def _more(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            return False
        self.buffer += data
        return bool(data)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


@pytest.fixture()
def raw(server):
    """Makes raw connections, and closes them after the test."""
    clients = []

    def connect(to=server):
        clients.append(RawClient(to))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


def is_problem(answer, status, field=None):
    """Checks a problem+json answer of requests, and gives its detail."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["detail"]
    assert problem.get("field") == field, problem
    return problem["detail"]


@pytest.fixture()
def problem():
    return is_problem
