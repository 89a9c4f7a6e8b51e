#!/usr/bin/python3
"""Run by tests/packaging/enter, as PID 1 of a Debian of its own: installs the package, runs it as its units would, removes it.
Prints one JSON object: what was seen. There is no systemd here; setpriv stands in for what a unit gives and takes."""
import contextlib
import glob
import json
import os
import pathlib
import pwd
import re
import signal
import subprocess
import threading
import time
import urllib.request

seen = {}
UNITS = pathlib.Path("/usr/lib/systemd/system")


def call(*words, check=True, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def directive(unit, name):
    """The last value of a unit's setting."""
    return re.findall(rf"(?m)^{name}=(.*)$", (UNITS / unit).read_text())[-1]


def capabilities(unit):
    names = [name.removeprefix("CAP_").lower() for name in directive(unit, "CapabilityBoundingSet").split()]
    return ",".join(["-all"] + ["+" + name for name in names])


def file_systems(unit):
    """Words before a command, for the view of the file system that ProtectSystem=strict gives: all is read-only but /dev, /proc, /sys and
    what the unit names."""
    assert directive(unit, "ProtectSystem") == "strict"
    text = (UNITS / unit).read_text()
    writable = [path for line in re.findall(r"(?m)^ReadWritePaths=(.*)$", text) for path in line.split() if not path.startswith("/sys/")]
    writable += ["/var/lib/" + name for name in re.findall(r"(?m)^StateDirectory=(.*)$", text)] + ["/tmp"]
    script = [f"mount --bind {path} {path}" for path in writable] + [f"mount -o remount,bind,ro {path}" for path in ("/run", "/")]
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", "; ".join(script) + '; exec "$@"', "sh"]


class Daemon:
    """A process, and the URL that it says it listens on."""

    def __init__(self, *words, **options):
        self.url = None
        self.said = threading.Event()
        self.log = open(f"/tmp/{words[-1].rsplit('/')[-1]}.log", "w+")
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self.log, start_new_session=True,
                                        env={"PATH": os.environ["PATH"], "GLIMPSE_LISTEN": "127.0.0.1:0"}, **options)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            found = re.search(rb"listening on (http://\S+)", line)
            if found:
                self.url = found.group(1).decode()
                self.said.set()

    def wait_ready(self):
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.said.wait(0.1):
                with contextlib.suppress(OSError):
                    if urllib.request.urlopen(self.url + "/readyz", timeout=5).status == 200:
                        return
            time.sleep(0.3)
        raise AssertionError(f"not ready: {pathlib.Path(self.log.name).read_text()[:1000]}")

    def run(self, **request):
        body = json.dumps(request).encode()
        answer = urllib.request.urlopen(urllib.request.Request(self.url + "/v1/run", body, {"Content-Type": "application/json"}),
                                        timeout=60)
        result = json.load(answer)
        return result["status"], (result["stages"]["run"] or {}).get("stdout")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def exec_of(unit):
    return directive(unit, "ExecStart")


def as_units_do():
    call("install", "-d", "-o", "root", "-g", "glimpse", "-m", "0750", "/run/glimpse")  # tmpfiles.conf
    boxd = Daemon(*file_systems("glimpse-boxd.service"), "setpriv", "--no-new-privs", "--bounding-set",
                  capabilities("glimpse-boxd.service"), "--", exec_of("glimpse-boxd.service"))
    api = Daemon(*file_systems("glimpsed.service"), "setpriv", "--no-new-privs", "--reuid", "glimpse", "--regid", "glimpse",
                 "--clear-groups", "--", exec_of("glimpsed.service"))
    try:
        api.wait_ready()
        seen["units_python"] = api.run(language="python", code="print(6 * 7)")
        seen["units_c"] = api.run(language="c", code='#include <stdio.h>\nint main(void) { puts("c"); }')
        seen["units_bomb"] = api.run(language="bash", code=":(){ :|:& };:; wait; sleep 20", limits={"run": {"wall_time_ms": 1500}})[0]
        seen["units_after"] = api.run(language="python", code="print(1)")
        status = pathlib.Path(f"/proc/{boxd.process.pid}/status").read_text()
        seen["boxd_bounding"] = re.search(r"CapBnd:\t(\w+)", status)[1]
        seen["local_run"] = call("/usr/bin/glimpse", "run", "/srv/glimpse-package/hello.py").stdout
        seen["units_stop"] = [api.stop(), boxd.stop()]
        seen["units_cold"] = [line for line in pathlib.Path(boxd.log.name).read_text().splitlines()
                              if re.search("zygote|interpreter", line) and "level=info" not in line]
    except BaseException:
        seen["log"] = pathlib.Path(boxd.log.name).read_text()[-2000:] + pathlib.Path(api.log.name).read_text()[-2000:]
        raise


def as_serve_does():
    serve = Daemon("/usr/bin/glimpse", "serve", "--data", "/srv/data", "--listen", "127.0.0.1:0")
    serve.wait_ready()
    seen["serve_python"] = serve.run(language="python", code="print('served')")
    seen["serve_stop"] = serve.stop()


def main():
    deb = glob.glob("/srv/glimpse-package/*.deb")[0]
    with contextlib.suppress(FileNotFoundError):
        call("userdel", "glimpse", check=False)
    call("rm", "-rf", "/var/lib/glimpse", "/etc/glimpse", "/run/glimpse")
    call("dpkg", "--force-confnew", "-i", deb)
    user = pwd.getpwnam("glimpse")
    seen["user"] = [user.pw_dir, user.pw_shell, user.pw_uid != 0]
    seen["enabled"] = sorted(path.name for path in pathlib.Path("/etc/systemd/system/multi-user.target.wants").glob("glimpse*"))
    seen["data"] = [pathlib.Path("/var/lib/glimpse").owner(), oct(os.stat("/var/lib/glimpse").st_mode & 0o777)]
    check = call("/usr/bin/glimpse", "config", "check", check=False)
    seen["check"] = [check.returncode, check.stdout]
    seen["doctor"] = call("/usr/bin/glimpse", "doctor", check=False).returncode
    as_units_do()
    as_serve_does()
    pathlib.Path("/etc/glimpse/glimpse.ini").write_text("max_running = 3\nrun_dir = /run/glimpse\n")
    call("dpkg", "-i", "--force-confold", deb)  # an update keeps what the operator wrote
    seen["kept"] = pathlib.Path("/etc/glimpse/glimpse.ini").read_text()
    call("dpkg", "-r", "glimpse")
    seen["removed"] = [os.path.exists(path) for path in ("/usr/bin/glimpse", "/etc/glimpse/glimpse.ini", "/var/lib/glimpse")]
    call("dpkg", "-P", "glimpse")
    seen["purged"] = [os.path.exists(path) for path in ("/etc/glimpse", "/var/lib/glimpse", "/run/glimpse", "/usr/lib/glimpse")]


try:
    main()
except BaseException as failure:  # said on stdout: stderr is the test's
    seen["failure"] = f"{type(failure).__name__}: {failure}"
print(json.dumps(seen), flush=True)
