"""boxd's socket, spoken to raw: who may connect, and that a message which breaks a rule ends the connection and its boxes."""
import array
import os
import pathlib
import pwd
import socket
import struct

import pytest

NOBODY = 65534
MAGIC = 0x31584c47
LEASE, LEASED, REFUSED, USAGE, USED, ENDED, RELEASE = range(1, 8)
MAX_BYTES = 512
RUN = 1
LIMITS = (10_000, 10_000, 256 << 20, 64, 1 << 20, 64 << 20, 128 << 20, 512)  # the order of src/model/limits.h


def head(kind, lease_id=1, magic=MAGIC):
    return struct.pack("=IIQ", magic, kind, lease_id)


def lease(lease_id=1, language=b"python", stage=RUN, flags=0, limits=LIMITS, magic=MAGIC):
    return head(LEASE, lease_id, magic) + struct.pack("=32sII8Q", language, stage, flags, *limits)


def path_of(server):
    return str(server.data / "run" / "boxd.sock")


class Client:
    def __init__(self, server):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(10)
        self.sock.connect(path_of(server))
        self.fds = []

    def send(self, data, fds=()):
        self.sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])

    def receive(self):
        """The type of the next message; None where the connection has ended."""
        try:
            data, fds, _, _ = socket.recv_fds(self.sock, MAX_BYTES, 4)
        except ConnectionResetError:  # what we had sent last was not read any more
            return None
        self.fds += fds
        return struct.unpack_from("=II", data)[1] if data else None

    def lease(self, lease_id=1):
        self.send(lease(lease_id))
        assert self.receive() == LEASED
        return socket.socket(fileno=self.fds.pop())

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.sock.close()
        for fd in self.fds:
            os.close(fd)


def as_user(uid, groups, what):
    """Calls what() in a process of that user; the exit status that it returns."""
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            os.setgroups(groups)
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(uid, uid, uid)
            status = what()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def knock(server):
    """0: it may lease; 1: the file's mode keeps it out; 2: boxd hangs up."""
    try:
        with Client(server) as client:
            client.send(lease())
            return 0 if client.receive() == LEASED else 2
    except PermissionError:
        return 1
    except (BrokenPipeError, ConnectionResetError):
        return 2


def test_root_and_our_user_may_connect(server):
    assert knock(server) == 0
    user = pwd.getpwnam("glimpse")
    assert as_user(user.pw_uid, [user.pw_gid], lambda: knock(server)) == 0


def test_the_folder_is_closed_to_others(server):
    assert as_user(NOBODY, [], lambda: knock(server)) == 1


def test_who_gets_past_the_folder_is_turned_away_by_uid(server):
    """As a member of the socket's group, which opens folder and socket: what is left is who he is."""
    before = server.log_text().count("neither root nor our user")
    assert as_user(NOBODY, [pwd.getpwnam("glimpse").pw_gid], lambda: knock(server)) == 2
    assert server.log_text().count("neither root nor our user") == before + 1


BREAKS = {
    "one byte": (b"x", 0),
    "a head that is cut": (head(USAGE)[:-1], 0),
    "a byte too many": (head(USAGE) + b"\0", 0),
    "longer than any message": (b"\0" * (MAX_BYTES + 1), 0),
    "another magic": (lease(9, magic=MAGIC + 1), 0),
    "type none": (head(0), 0),
    "a type that there is not": (head(99), 0),
    "a message for glimpsed": (head(LEASED), 0),
    "a message for init": (head(13) + b"\0" * 56, 0),
    "a descriptor": (head(USAGE), 1),
    "descriptors": (lease(9), 3),
    "unknown flags": (lease(9, flags=4), 0),
    "a stage that there is not": (lease(9, stage=2), 0),
    "a language that does not end": (lease(9, language=b"x" * 32), 0),
    "no language": (lease(9, language=b""), 0),
    "a path as language": (lease(9, language=b"../python"), 0),
    "a limit of zero": (lease(9, limits=(0,) + LIMITS[1:]), 0),
    "a limit beyond all": (lease(9, limits=(2**64 - 1,) * 8), 0),
    "an id that is in use": (lease(1), 0),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_rule_ends_the_connection_and_its_boxes(server, name):
    data, n_fds = BREAKS[name]
    before = server.log_text().count("broke the protocol")
    with Client(server) as client, Client(server) as other:
        box, others = client.lease(), other.lease()
        box.settimeout(10)
        with open("/dev/null") as null:
            client.send(data, [null.fileno()] * n_fds)
        assert client.receive() is None
        assert box.recv(1) == b"", "the box outlives its connection"
        assert server.log_text().count("broke the protocol") == before + 1
        other.send(head(USAGE))
        assert other.receive() == USED, "another client's connection ended with it"
        box.close()
        others.close()


def test_unknown_leases_are_no_offence(server):
    """They cross with ENDED."""
    with Client(server) as client:
        client.send(head(USAGE, 77))
        client.send(head(RELEASE, 77))
        client.lease().close()


def n_descriptors(server):
    return len(os.listdir(f"/proc/{server.pid_of('glimpse-boxd')}/fd"))


def test_boxd_works_on_after_all_that(server):
    before = n_descriptors(server)
    n_more = 1000  # many more than idle boxes have, whose number is what it is
    for _ in range(n_more):
        with Client(server) as client:
            client.send(b"x")
            assert client.receive() is None
    assert server.run({"language": "python", "code": "print(1)"})["status"] == "ok"
    assert n_descriptors(server) < before + n_more // 2
