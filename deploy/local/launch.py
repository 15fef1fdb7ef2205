"""Becomes another program: reads who it must be and who its parent is, gives way to the server by exec.

Run as a file by `process.spawn`, never imported by the servers that it starts. It needs the standard library
only, so that it starts in some 20 ms (`python -I -S`).
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import sys
import time
from pathlib import Path

# linux/prctl.h, linux/securebits.h and linux/capability.h
PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAP_SETPCAP = 8
#: The niceness of a session's whole group, of whichever process of it asks: sched(7), "The autogroup feature".
AUTOGROUP = Path("/proc/self/autogroup")
AUTOGROUP_AGAIN_S = 0.15
CANNOT_EXECUTE = 126  # the shell's exit code for a command that cannot be executed


class CapabilityHeader(ctypes.Structure):
    """`struct __user_cap_header_struct` of capset(2)."""

    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class CapabilitySet(ctypes.Structure):
    """`struct __user_cap_data_struct` of capset(2)."""

    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def search_capability() -> int | None:
    """Give the least capability of this process that passes closed directories, None when it has none.

    Reading and searching is enough; containers often grant only the wider "override". Handing one on to
    another user also needs SETPCAP.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return None
    effective = next((int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:")), 0)
    if not effective & 1 << CAP_SETPCAP:
        return None
    return next((cap for cap in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE) if effective & 1 << cap), None)


def prctl(option: int, *values: int) -> None:
    """Set an attribute of this process by its number in linux/prctl.h; raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    padded = (*values, 0, 0, 0, 0)[:4]
    if libc.prctl(option, *(ctypes.c_ulong(value) for value in padded)) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} failed")


def keep_only(capability: int) -> None:
    """Drop every capability but one, and keep that one over the coming exec; raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = CapabilityHeader(CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    sets = (CapabilitySet * 2)(CapabilitySet(bit, bit, bit), CapabilitySet(0, 0, 0))
    if libc.capset(ctypes.byref(header), sets) != 0:
        raise OSError(ctypes.get_errno(), "capset failed")
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)


def become(uid: int, gid: int, *, keep_search: bool) -> None:
    """Change to another user, without root's groups; raises OSError.

    With `keep_search` the new user may still pass directories that are closed to it, as /root is: without
    the secure bit the kernel would take that right away in access(2), which PostgreSQL calls.
    """
    capability = search_capability() if keep_search else None
    if capability is not None:
        prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if capability is not None:
        keep_only(capability)
    os.chdir("/")


def die_with(parent_pid: int, orphan_signal: int) -> None:
    """Ask the kernel to send `orphan_signal` when the parent dies; exits when it is gone already."""
    if sys.platform != "linux":
        return  # elsewhere the next start finds the orphan by its pid file
    prctl(PR_SET_PDEATHSIG, orphan_signal)
    if os.getppid() != parent_pid:
        sys.exit(CANNOT_EXECUTE)


def stand_back(nice: int) -> None:
    """Add to the scheduling priority of this process, which leads a session of its own.

    Linux shares the processor between sessions first where it groups by them (sched(7), autogroup: the kernel of most
    distributions does), and between the processes of each then: without its own niceness for the session, ours would
    stand back behind nobody. Elsewhere, as in a container, the group's weight is for whoever made it to set.
    """
    os.nice(nice)
    if not nice or os.getsid(0) != os.getpid():
        return
    niceness = str(os.getpriority(os.PRIO_PROCESS, 0))
    with contextlib.suppress(OSError):  # not there, or not for us: no reason not to start
        try:
            AUTOGROUP.write_text(niceness, encoding="ascii")
        except BlockingIOError:  # the kernel takes such a change from one process at a time, ten a second
            time.sleep(AUTOGROUP_AGAIN_S)
            AUTOGROUP.write_text(niceness, encoding="ascii")


def main() -> None:
    """Read the command line, take on the user, bind to the parent, become the program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--orphan-signal", type=int, required=True)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--keep-search", action="store_true")
    parser.add_argument("program", nargs="+")
    asked = parser.parse_args()
    try:
        stand_back(asked.nice)
        if asked.uid is not None:
            become(asked.uid, asked.gid, keep_search=asked.keep_search)
        die_with(asked.parent, asked.orphan_signal)  # after the change of user, which clears it
        os.execv(asked.program[0], asked.program)  # noqa: S606 -- no shell wanted
    except OSError as error:
        sys.stderr.write(f"cannot start {asked.program[0]}: {error}\n")
        sys.exit(CANNOT_EXECUTE)


if __name__ == "__main__":
    main()
