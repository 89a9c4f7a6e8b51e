import os
import stat

found = []
for fd in range(65536):
    try:
        st = os.fstat(fd)
    except OSError:
        continue
    found.append(fd)
    if not stat.S_ISFIFO(st.st_mode):
        print("HOLE", fd, os.readlink(f"/proc/self/fd/{fd}"))
print(found)
if os.path.exists("/proc/self/fd/3") and os.readlink("/proc/self/fd/3") != f"/proc/{os.getpid()}/fd":
    print("HOLE", os.readlink("/proc/self/fd/3"))
print("end")
