"""One keep-alive HTTP/1.1 connection that costs its user little: what is timed is the server, not a library."""
import json
import socket


class Connection:
    def __init__(self, host, port, timeout_s=120):
        self.socket = socket.create_connection((host, port), timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    @staticmethod
    def request(run):
        """The bytes of a POST /v1/run, made before the clock starts."""
        body = json.dumps(run).encode()
        return b"POST /v1/run HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    def send(self, request):
        """The answer's status and body."""
        self.socket.sendall(request)
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self._receive()
        head = self.buffer[:end].split(b"\r\n")
        length = next(int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length:"))
        whole = end + 4 + length
        while len(self.buffer) < whole:
            self._receive()
        body, self.buffer = self.buffer[end + 4:whole], self.buffer[whole:]
        return int(head[0].split()[1]), body

    def _receive(self):
        chunk = self.socket.recv(1 << 16)
        if not chunk:
            raise ConnectionError("the server closed the connection")
        self.buffer += chunk

    def close(self):
        self.socket.close()
