from probe import *

text = ctypes.create_string_buffer(b"/tmp/x")
buffer = ctypes.create_string_buffer(4096)
calls = {
    "userfaultfd": (323, 0), "userfaultfd user": (323, 1), "bpf": (321, 0, buffer, 48), "perf_event_open": (298, buffer, 0, -1, -1, 0),
    "kexec_load": (246, 0, 0, NULL, 0), "kexec_file_load": (320, 0, 0, 0, NULL, 0), "init_module": (175, buffer, 10, text),
    "finit_module": (313, 0, text, 0), "delete_module": (176, text, 0), "fanotify_init": (300, 0, 0),
    "fanotify_mark": (301, 0, 1, 0, -100, text), "quotactl": (179, 0, text, 0, NULL), "quotactl_fd": (443, 0, 0, 0, NULL),
    "swapon": (167, text, 0), "swapoff": (168, text), "acct": (163, text), "iopl": (172, 3), "ioperm": (173, 0, 8, 1),
    "modify_ldt": (154, 0, buffer, 16), "syslog": (103, 2, buffer, 100), "reboot": (169, 0xfee1dead, 672274793, 0, NULL),
    "vhangup": (153,), "lookup_dcookie": (212, 1, buffer, 100), "nfsservctl": (180, 0, NULL, NULL), "_sysctl": (156, NULL),
    "uselib": (134, text), "ustat": (136, 0, buffer), "sysfs": (139, 3), "create_module": (174, text, 4096),
    "migrate_pages": (256, 0, 8, buffer, buffer), "move_pages": (279, 0, 0, NULL, NULL, NULL, 0), "mbind": (237, 0, 0, 0, NULL, 0, 0),
    "set_mempolicy": (238, 0, NULL, 0), "vmsplice": (278, 1, NULL, 0, 0), "memfd_secret": (447, 0), "seccomp": (317, 1, 0, NULL),
    "landlock_create_ruleset": (444, NULL, 0, 1), "sethostname": (170, text, 1), "setdomainname": (171, text, 1),
    "personality no randomize": (135, 0x0040000), "personality read implies exec": (135, 0x0400000),
    "personality 32 bits": (135, 8), "personality both halves": (135, 0x40000), "kcmp": (312, 0, 0, 0, 0, 0),
    "inotify_init1": (294, 0), "inotify_init": (253,), "cachestat": (451, 0, buffer, buffer, 0),
    "prctl core scheduling": (157, 62, 1, 0, 1, 0), "process_mrelease": (448, 0, 0), "get_robust_list": (274, 1, buffer, buffer),
}
for name, args in calls.items():
    refused(name, *args)
for nr in range(453, 520):
    if nr != 462:  # mseal
        refused(f"call {nr}", nr, -1, -1, -1, -1, -1, -1)
print("end")
