import errno
import fcntl
import os

F_SETPIPE_SZ = 1031
for fd in (0, 1, 2):  # made by glimpsed, counted on its user
    try:
        fcntl.fcntl(fd, F_SETPIPE_SZ, 1 << 20)
        print("HOLE the pipe of", fd, "is larger now")
    except OSError as e:
        print(fd, errno.errorcode[e.errno])
n = 0
children = []
try:
    for child in range(4):
        if os.fork() == 0:
            while True:
                r, w = os.pipe()
                os.set_blocking(w, False)
                try:
                    while True:
                        os.write(w, b"x" * 4096)
                except BlockingIOError:
                    n += 1
except OSError as e:
    print(errno.errorcode[e.errno], n)
    os._exit(0)
for child in range(4):
    os.wait()
print("end")
