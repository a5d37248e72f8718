"""A filter of system calls for the sandbox, as the kernel's BPF: what nobody needs there is not there. Pure.

Among the rest it takes away memory that no limit counts (memfd, System V shared memory).
"""

import struct
from collections.abc import Mapping, Sequence

LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER, ARCHITECTURE, FIRST = 0, 4, 16  # offsets in struct seccomp_data
ALLOW, KILL, NO_SUCH_CALL, NO_SUCH_FAMILY = 0x7FFF0000, 0x80000000, 0x00050000 | 38, 0x00050000 | 97
X32 = 0x40000000

# Kinds of sockets that a network namespace of one's own keeps in: UNIX, INET, INET6, NETLINK. Others (VSOCK, the way to
# the host of a virtual machine, for one) are the kernel's own and know no namespaces.
SOCKET, FAMILIES = (41, 198), (1, 2, 10, 16)
# name: (x86_64, aarch64)
REFUSED: Mapping[str, tuple[int, int]] = {
    "acct": (163, 89), "add_key": (248, 217), "bpf": (321, 280), "delete_module": (176, 106),
    "finit_module": (313, 273), "fsconfig": (431, 431), "fsmount": (432, 432), "fsopen": (430, 430),
    "fspick": (433, 433), "init_module": (175, 105), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "io_uring_setup": (425, 425), "kcmp": (312, 272),
    "kexec_load": (246, 104), "keyctl": (250, 219), "mbind": (237, 235), "memfd_create": (319, 279),
    "memfd_secret": (447, 447), "migrate_pages": (256, 238), "mount": (165, 40), "mount_setattr": (442, 442),
    "move_mount": (429, 429), "move_pages": (279, 239), "msgget": (68, 186), "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265), "open_tree": (428, 428), "perf_event_open": (298, 241),
    "personality": (135, 92), "pivot_root": (155, 41), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "ptrace": (101, 117), "quotactl": (179, 60), "request_key": (249, 218),
    "semget": (64, 190), "setns": (308, 268), "set_mempolicy": (238, 237), "shmget": (29, 194),
    "swapon": (167, 224), "syslog": (103, 116), "umount2": (166, 39), "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
MACHINES: Mapping[str, tuple[int, int]] = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}


def program(machine: str) -> bytes | None:
    """The filter for a machine as `os.uname` names it; None for one whose numbers are not known here."""
    if machine not in MACHINES:
        return None
    audit, column = MACHINES[machine]
    numbers = sorted(pair[column] for pair in REFUSED.values())
    lines: list[Sequence[int]] = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, audit), (RETURN, 0, 0, KILL)]
    lines += [(LOAD, 0, 0, NUMBER), (EQUAL, 0, len(FAMILIES) + 3, SOCKET[column]), (LOAD, 0, 0, FIRST)]
    lines += [(EQUAL, len(FAMILIES) - place, 0, family) for place, family in enumerate(FAMILIES)]
    lines += [(RETURN, 0, 0, NO_SUCH_FAMILY), (RETURN, 0, 0, ALLOW)]
    # The last two lines are: allow, refuse. A jump counts the lines that it leaves out.
    checks = [(AT_LEAST, X32), *((EQUAL, n) for n in numbers)]
    lines += [(code, len(checks) - place, 0, value) for place, (code, value) in enumerate(checks)]
    lines += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, NO_SUCH_CALL)]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
