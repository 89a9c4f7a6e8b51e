import array
import errno
import os
import socket

pairs = []
held = 0
try:
    while True:
        a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        pairs.append((a, b))
        a.setblocking(False)
        try:
            while True:
                held += a.sendmsg([b"x" * 65536], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [b.fileno()] * 50))])
        except OSError as e:
            if e.errno not in (errno.EAGAIN, errno.ETOOMANYREFS):
                raise
except OSError as e:
    print(errno.errorcode[e.errno], held)
if held > 128 << 20:
    print("HOLE", held)
os.write(1, b"end\n")
