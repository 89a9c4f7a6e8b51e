"""For attacks by system call: what must be refused, and by which errno. x86-64's numbers."""
import ctypes
import errno
import os

libc = ctypes.CDLL(None, use_errno=True)
NULL = ctypes.c_void_p(None)
REFUSED = (errno.EPERM, errno.ENOSYS, errno.EACCES)
SANE = REFUSED + (errno.EINVAL, errno.ENOENT, errno.EFAULT, errno.EBADF, errno.ESRCH, errno.EROFS)


def call(nr, *args):
    """The result, or minus errno."""
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(nr), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    return -ctypes.get_errno() if result == -1 else result


def refused(name, nr, *args, errnos=REFUSED):
    result = call(nr, *args)
    print(f"{name}: {errno.errorcode.get(-result, result)}")
    if result >= 0 or -result not in errnos:
        print(f"HOLE {name} gave {result}")


def fails(name, action, *errnos):
    """action() must raise OSError, with one of errnos where there are any."""
    try:
        result = action()
    except OSError as e:
        print(f"{name}: {errno.errorcode.get(e.errno)}")
        if errnos and e.errno not in errnos:
            print(f"HOLE {name}: {e}")
    else:
        print(f"HOLE {name} gave {result!r}")


def absent(path):
    """Not there, or not to be opened, for reading and for writing."""
    for flags in (os.O_RDONLY, os.O_WRONLY):
        try:
            fd = os.open(path, flags | os.O_NONBLOCK)
            data = os.read(fd, 16) if flags == os.O_RDONLY else b""
            os.close(fd)
            if data or flags == os.O_WRONLY and os.stat(path).st_rdev != os.stat("/dev/null").st_rdev:
                print(f"HOLE {path} opens with {flags}: {data!r}")
        except OSError as e:
            print(f"{path}: {errno.errorcode.get(e.errno)}")
