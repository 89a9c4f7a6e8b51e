"""Ways to pass a bit from one program to another by what a kernel shares. Sent into boxes by test_pairs.py.

    python3 main.py send HOLD_S      sets every channel, says what came of it, and holds it for so long
    python3 main.py receive WORK_S   waits so long, then reads every channel
    python3 main.py both             the control: a child sends, the parent receives, in one box

Prints one JSON object: channel -> what was read. A channel is a pair of functions, send_NAME and receive_NAME; a
receiver returns something else when it sees the sender.
"""
import ctypes
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
held = []  # what must stay open while the channel is held
SHARED = "/usr/bin/env"  # one file of the host that every box sees
RARE = "/usr/share/common-licenses/GPL-3"  # and one that hardly anybody opens
KEY = 0x676C696D


def call(function, *args):
    """The result of a function of libc, or OSError."""
    ctypes.set_errno(0)
    result = getattr(libc, function)(*args)
    if result == -1:
        raise OSError(ctypes.get_errno(), function)
    return result


def lock(kind):
    return struct.pack("hhqqi", kind, 0, 0, 0, 0)


def open_shared():
    held.append(os.open(SHARED, os.O_RDONLY))
    return held[-1]


def listen(family, address):
    held.append(socket.socket(family))
    held[-1].bind(address)
    held[-1].listen()


def connect(family, address):
    s = socket.socket(family)
    s.connect(address)


# --- Sockets ---

def send_abstract_socket():
    listen(socket.AF_UNIX, "\0glimpse-pair")


def receive_abstract_socket():
    connect(socket.AF_UNIX, "\0glimpse-pair")


def send_tcp_port():
    listen(socket.AF_INET, ("127.0.0.1", 40404))


def receive_tcp_port():
    connect(socket.AF_INET, ("127.0.0.1", 40404))


def receive_tcp_port_taken():
    listen(socket.AF_INET, ("127.0.0.1", 40404))


# --- System V and POSIX IPC ---

def send_sysv_shm():
    call("shmget", KEY, 4096, 0o1666)


def receive_sysv_shm():
    call("shmget", KEY, 0, 0)


def send_sysv_sem():
    call("semget", KEY, 1, 0o1666)


def receive_sysv_sem():
    call("semget", KEY, 0, 0)


def send_sysv_msg():
    call("msgget", KEY, 0o1666)


def receive_sysv_msg():
    call("msgget", KEY, 0)


def receive_sysv_tables():
    return sum(len(open(f"/proc/sysvipc/{kind}").readlines()) - 1 for kind in ("shm", "sem", "msg"))


def send_posix_queue():
    held.append(call("mq_open", b"/pair", os.O_RDWR | os.O_CREAT, 0o666, None))


def receive_posix_queue():
    call("mq_open", b"/pair", os.O_RDONLY)


# --- Files ---

FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", "/box", "/run/lock", "/run", "/var/empty", "/dev", "/etc")


def send_files():
    for folder in FOLDERS:
        try:
            open(folder + "/pair", "w").close()
        except OSError:
            pass


def receive_files():
    return [folder for folder in FOLDERS if os.path.exists(folder + "/pair")]


def send_access_time():
    open(RARE, "rb").read(1)


def receive_access_time():
    """Of the file itself and of its folder; a sender that comes first leaves another second in it."""
    return [os.stat(path).st_atime_ns > (time.time() - 30) * 1e9 for path in (RARE, os.path.dirname(RARE))]


def rare_pages():
    fd = os.open(RARE, os.O_RDONLY)
    return fd, os.fstat(fd).st_size


def send_page_cache():
    fd, size = rare_pages()
    os.pread(fd, size, 0)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)


def receive_page_cache_by_nowait():
    """A read that would have to wait says so."""
    fd, _ = rare_pages()
    try:
        return os.preadv(fd, [bytearray(16)], 0, os.RWF_NOWAIT)
    except BlockingIOError:
        return "not in memory"


def send_flock():
    fcntl.flock(open_shared(), fcntl.LOCK_EX | fcntl.LOCK_NB)  # another sender may hold it


def receive_flock():
    fcntl.flock(open_shared(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def send_record_lock():
    fcntl.fcntl(open_shared(), fcntl.F_SETLK, lock(fcntl.F_RDLCK))


def receive_record_lock():
    return struct.unpack("hhqqi", fcntl.fcntl(open_shared(), fcntl.F_GETLK, lock(fcntl.F_WRLCK)))[0]


def send_lease():
    fcntl.fcntl(open_shared(), fcntl.F_SETLEASE, fcntl.F_RDLCK)


def receive_lease():
    """A lease on a file tells its holder of others who open it."""
    fcntl.fcntl(open_shared(), fcntl.F_SETLEASE, fcntl.F_WRLCK)


def receive_folder_notification():
    fcntl.fcntl(os.open("/usr/bin", os.O_RDONLY), fcntl.F_NOTIFY, fcntl.DN_ACCESS)


def receive_inotify():
    call("inotify_init")


# --- Keys ---

def send_key():
    call("syscall", 248, b"user", b"pair", b"x", 1, -4)


def receive_key():
    call("syscall", 249, b"user", b"pair", None, 0)


# --- What is counted per user, and for whom a user namespace was made: setrlimit(2), kernel/ucount.c ---

def send_pipe_pages():
    """pipe-user-pages-soft, 1024 pipes of the usual size: who is above it gets pipes of two pages."""
    for _ in range(4):
        if os.fork() == 0:
            os.closerange(3, 1 << 16)
            pipes = 0
            while pipes < 300:
                os.pipe()
                pipes += 1
            time.sleep(60)
    time.sleep(0.3)


def fill_pipe(fd):
    os.set_blocking(fd, False)
    n = 0
    try:
        while n < 1 << 20:
            n += os.write(fd, b"x" * 4096)
    except BlockingIOError:
        pass
    return n


def receive_pipe_pages():
    held.extend(os.pipe())
    return fill_pipe(held[-1])


def queue_signals():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
    n = 0
    while n < 5000 and libc.sigqueue(os.getpid(), signal.SIGRTMIN, None) == 0:
        n += 1
    return n


def make_queues():
    """Bytes of POSIX message queues: as many queues of 80 KB as there may be."""
    n = 0
    attributes = (ctypes.c_long * 8)(0, 10, 8192, 0)
    while n < 50:
        fd = libc.mq_open(f"/bytes-{os.getpid()}-{n}".encode(), os.O_RDWR | os.O_CREAT, 0o600, attributes)
        if fd < 0:
            return n
        held.append(fd)
        n += 1
    return n


def lock_memory():
    """Segments of 4 KB that can be locked: of shared memory, which is counted per user and not per process."""
    n = 0
    while n < 64:
        segment = call("shmget", 0, 4096, 0o1600)
        if libc.shmctl(segment, 11, None) < 0:  # SHM_LOCK
            return n
        n += 1
    return n


send_pending_signals = receive_pending_signals = queue_signals
send_queue_bytes = receive_queue_bytes = make_queues
send_locked_memory = receive_locked_memory = lock_memory


def send_processes():
    for _ in range(30):
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
        held.append(pid)


def receive_processes():
    """The pids that one gets, and the number of those that can be seen. Not the keeper, which has nothing open: boxes made in a
    hurry have none (src/init/zygote_keeper.c)."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return [child < 64, len([name for name in os.listdir("/proc") if name.isdigit() and os.listdir(f"/proc/{name}/fd")])]


def receive_user_namespaces():
    return int(open("/proc/sys/user/max_user_namespaces").read())


# --- Settings ---

def send_host_name():
    call("sethostname", b"pair", 4)


def receive_host_name():
    return socket.gethostname()


def send_sysctl():
    with open("/proc/sys/kernel/shmmni", "w") as file:
        file.write("4095")


def receive_sysctl():
    return open("/proc/sys/kernel/shmmni").read()


# --- Driver ---

def channels(prefix):
    return {name.removeprefix(prefix): function for name, function in globals().items() if name.startswith(prefix)}


def run(prefix):
    answers = {}
    for name, function in channels(prefix).items():
        try:
            answers[name] = function()
        except OSError as e:
            answers[name] = errno.errorcode[e.errno]
    return answers


def main():
    what, seconds = sys.argv[1], float(sys.argv[2])
    answers = {"box": os.stat("/proc/self/ns/ipc").st_ino}
    if what == "both":
        ready, done = os.pipe()
        child = os.fork()
        if child == 0:
            run("send_")
            os.write(done, b"x")
            time.sleep(30)
        select.select([ready], [], [], 10)
    elif what == "receive":
        time.sleep(seconds)
    answers["from"] = time.monotonic()
    answers |= run("send_" if what == "send" else "receive_")
    answers["set"] = time.monotonic()
    if what == "send":
        time.sleep(seconds)
    answers["until"] = time.monotonic()
    print(json.dumps(answers), flush=True)
    os._exit(0)  # whoever is left dies with the box


main()
