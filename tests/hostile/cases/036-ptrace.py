import os

from probe import *

child = os.fork()
if child == 0:
    signal = __import__("signal")
    signal.pause()
for pid in (1, child, os.getppid()):
    refused(f"ptrace attach {pid}", 101, 16, pid, 0, 0)
    refused(f"ptrace seize {pid}", 101, 0x4206, pid, 0, 0)
    refused(f"process_vm_readv {pid}", 310, pid, NULL, 0, NULL, 0, 0)
    refused(f"process_vm_writev {pid}", 311, pid, NULL, 0, NULL, 0, 0)
refused("ptrace traceme", 101, 0, 0, 0, 0)
for name in ("mem", "maps", "environ", "cmdline", "exe", "root", "cwd", "fd", "ns/net", "stat"):
    fails(f"/proc/1/{name}", lambda: os.open(f"/proc/1/{name}", os.O_RDONLY))
pidfd = call(434, 1, 0)
if pidfd >= 0:
    refused("pidfd_getfd", 438, pidfd, 3, 0)
    refused("pidfd_send_signal", 424, pidfd, 9, NULL, 0)
    refused("process_madvise", 440, pidfd, NULL, 0, 0, 0)
os.kill(child, 9)
print("end")
