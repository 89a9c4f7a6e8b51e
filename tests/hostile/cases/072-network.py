import errno
import socket
import time

targets = [(socket.AF_INET, socket.SOCK_STREAM, ("169.254.169.254", 80)), (socket.AF_INET, socket.SOCK_STREAM, ("10.0.0.1", 80)),
           (socket.AF_INET, socket.SOCK_DGRAM, ("8.8.8.8", 53)), (socket.AF_INET, socket.SOCK_STREAM, ("192.168.1.1", 22)),
           (socket.AF_INET6, socket.SOCK_STREAM, ("2001:4860:4860::8888", 53)), (socket.AF_INET6, socket.SOCK_STREAM, ("fe80::1%lo", 80)),
           (socket.AF_INET6, socket.SOCK_STREAM, ("fd00:ec2::254", 80)), (socket.AF_INET, socket.SOCK_DGRAM, ("224.0.0.251", 5353)),
           (socket.AF_INET, socket.SOCK_DGRAM, ("255.255.255.255", 67))]
for family, kind, address in targets:
    started = time.monotonic()
    try:
        s = socket.socket(family, kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.settimeout(2)
        if kind == socket.SOCK_DGRAM:
            s.sendto(b"x", address)
        else:
            s.connect(address)
        print("HOLE", address)
    except OSError as e:
        print(address, errno.errorcode.get(e.errno, e))
    if time.monotonic() - started > 0.5:
        print("HOLE it hangs", address)
try:
    print("HOLE netlink", socket.if_nameindex())
except OSError as e:
    print("netlink", errno.errorcode[e.errno])
if set(open("/proc/net/dev").read().split()) & {"eth0:", "ens3:", "wlan0:", "docker0:"}:
    print("HOLE devices")
print("end")
