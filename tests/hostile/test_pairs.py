"""Two at a time: one job tries to pass a bit to another by whatever their boxes share. pair.py holds the channels.

All channels go in one pair of jobs. What a receiver reads beside a sender, and after one, must be what it reads alone; and where the
same two programs are in one box, the bit must get through, or be refused by name: else the channel's code would prove nothing.
"""
import concurrent.futures
import json
import os
import pathlib

import pytest

CODE = (pathlib.Path(__file__).resolve().parent / "pair.py").read_text()
LIMITS = {"wall_time_ms": 10000, "cpu_time_ms": 6000, "memory_bytes": 192 << 20, "processes": 128, "open_files": 1024}
HOLD_S = 3
WAIT_S = 2

# A call that no program may make: no control, the refusal is what there is to see.
REFUSED = {"lease": "EPERM", "folder_notification": "EPERM", "inotify": "ENOSYS", "key": "EPERM", "host_name": "box",
           "user_namespaces": 0, "page_cache_by_nowait": "ENOTSUP"}
# What nobody can change, so that a sender in the same box changes nothing either.
READ_ONLY = {"sysctl", "access_time"}
# See docs/security.md. Strict: when it is closed, this must go.
OPEN = {"flock": "locks on the host's files: an inode is one for all boxes",
        "record_lock": "the same"}
CHANNELS = ["abstract_socket", "tcp_port", "tcp_port_taken", "sysv_shm", "sysv_sem", "sysv_msg", "sysv_tables", "posix_queue", "files",
            "access_time", "page_cache_by_nowait", "flock", "record_lock", "lease", "folder_notification", "inotify", "key",
            "pipe_pages", "pending_signals", "queue_bytes", "locked_memory", "processes", "user_namespaces", "host_name", "sysctl"]


def start(server, what, seconds):
    answer = server.run({"language": "python", "code": CODE, "args": [what, str(seconds)], "limits": {"run": LIMITS}})
    assert answer["status"] == "ok", answer["stages"]["run"]
    return json.loads(answer["stages"]["run"]["stdout"])


@pytest.fixture(scope="module")
def read(server, oracle):
    """What receivers read: alone, beside a sender (its neighbours are many), after one, and in one box with it."""
    found = {}
    with oracle.guard(load=True), concurrent.futures.ThreadPoolExecutor(8) as pool:
        found["alone"] = start(server, "receive", 0)
        senders = [pool.submit(start, server, "send", HOLD_S) for _ in range(3)]
        found["beside"] = start(server, "receive", WAIT_S)
        senders = [sender.result() for sender in senders]
        found["after"] = start(server, "receive", 0)
        found["in one box"] = start(server, "both", 0)
    assert all(sender["set"] < found["beside"]["from"] and found["beside"]["set"] < sender["until"] for sender in senders), \
        "they did not run at the same time"
    # Only those that live together: the number of a namespace that is gone may be given out again.
    boxes = [sender["box"] for sender in senders] + [found["beside"]["box"]]
    assert len(set(boxes)) == len(boxes) and os.stat("/proc/self/ns/ipc").st_ino not in boxes
    found["senders"] = senders
    return found


def test_every_channel_is_judged(read):
    assert set(read["alone"]) - {"box", "from", "set", "until"} == set(CHANNELS)


@pytest.mark.parametrize("how", ["beside", "after"])
@pytest.mark.parametrize("channel", CHANNELS)
def test_bit_does_not_get_through(read, request, channel, how):
    if channel in OPEN and how == "beside":
        request.applymarker(pytest.mark.xfail(reason=OPEN[channel], strict=True))
    assert read[how][channel] == read["alone"][channel], [sender.get(channel) for sender in read["senders"]]


@pytest.mark.parametrize("channel", CHANNELS)
def test_channel_is_one(read, channel):
    """The control: in one box the receiver sees the sender."""
    if channel in REFUSED:
        assert read["alone"][channel] == REFUSED[channel]
    elif channel in READ_ONLY:
        assert read["in one box"][channel] == read["alone"][channel]
    else:
        assert read["in one box"][channel] != read["alone"][channel], read["in one box"][channel]
