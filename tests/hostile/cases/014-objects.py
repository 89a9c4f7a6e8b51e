import os
import sys

from probe import *

makers = {
    "inotify_init": (253,),
    "epoll_create": (213, 1),
    "eventfd": (284, 0),
    "timerfd_create": (283, 1, 0),
    "signalfd": (282, -1, ctypes.create_string_buffer(8), 8),
    "memfd_create": (319, ctypes.create_string_buffer(b"x"), 0),
    "msgget": (68, 0, 0o1600),
    "semget": (64, 0, 250, 0o1600),
    "shmget": (29, 0, 4096, 0o1600),
    "timer_create": (222, 1, NULL, ctypes.create_string_buffer(8)),
}
for name, args in makers.items():
    pid = os.fork()
    if pid == 0:
        n = 0
        while n < 100000 and call(*args) >= 0:
            n += 1
        print(name, n, flush=True)
        if n >= 100000:
            print("HOLE no limit for", name, flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
refused("add_key", 248, ctypes.create_string_buffer(b"user"), ctypes.create_string_buffer(b"x"), ctypes.create_string_buffer(b"y"), 1, -4)
print("end")
