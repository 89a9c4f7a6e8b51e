"""What a box is, seen from inside: one JSON object. Started as a child by a program of every language; test_posture.py judges it.

All processes that can be seen are reported, so that the interpreter or virtual machine that started this is among them.
"""
import json
import os
import stat
import sys

STATUS = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")


def lines(path):
    with open(path, errors="replace") as file:
        return file.read().splitlines()


def status(pid):
    fields = dict(line.split(":", 1) for line in lines(f"/proc/{pid}/status"))
    return {name: fields[name].split() for name in STATUS}


def descriptors(pid):
    folder = f"/proc/{pid}/fd"
    found = {}
    for fd in os.listdir(folder):
        try:
            found[fd] = os.readlink(f"{folder}/{fd}")
        except FileNotFoundError:  # the one that listed them
            pass
    return found


def limits(pid):
    """Name -> soft and hard. /proc/PID/limits is a table of fixed columns."""
    return {line[:26].strip(): line[26:68].split() for line in lines(f"/proc/{pid}/limits")[1:]}


def mounts(pid):
    """Mount point -> its options, type, and where from. The point of a mask may be there twice: the last is on top."""
    found = {}
    for line in lines(f"/proc/{pid}/mountinfo"):
        words = line.split()
        found[words[4]] = {"options": words[5].split(","), "type": words[words.index("-") + 1]}
    return found


def process(pid):
    return {"status": status(pid), "descriptors": descriptors(pid), "limits": limits(pid), "mounts": mounts(pid),
            "environment": dict(word.split("=", 1) for word in open(f"/proc/{pid}/environ").read().split("\0") if "=" in word),
            "namespaces": {name: os.stat(f"/proc/{pid}/ns/{name}").st_ino for name in os.listdir(f"/proc/{pid}/ns")},
            "groups": [line.split(":", 2)[2] for line in lines(f"/proc/{pid}/cgroup")],
            "oom_score_adj": int(lines(f"/proc/{pid}/oom_score_adj")[0]),
            "command": lines(f"/proc/{pid}/comm")[0], "parent": int(dict(
                line.split(":", 1) for line in lines(f"/proc/{pid}/status"))["PPid"])}


def devices():
    """Name below /dev -> what it is."""
    found = {}
    for folder, folders, files in os.walk("/dev"):
        for name in folders + files:
            path = os.path.join(folder, name)
            if os.path.isdir(path) and not os.path.islink(path):
                continue
            st = os.lstat(path)
            found[path] = f"{'c' if stat.S_ISCHR(st.st_mode) else 'b'} {os.major(st.st_rdev)}:{os.minor(st.st_rdev)}" \
                if stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode) else "link" if stat.S_ISLNK(st.st_mode) else "file"
    return found


json.dump({"self": os.getpid(), "devices": devices(), "root": sorted(os.listdir("/")), "writable": sorted(
    point for point in mounts("self") if os.path.isdir(point) and os.access(point, os.W_OK)),
    "processes": {pid: process(pid) for pid in os.listdir("/proc") if pid.isdigit()}}, sys.stdout)
