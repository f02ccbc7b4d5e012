"""What a process that decodes the files of strangers gives up, before it reads the first of them.

On Linux the kernel then refuses it memory and processor time beyond what it may have; to write, make, remove or start
any file (Landlock); and to open connections or start processes (seccomp). What a kernel lacks is left out: these are
walls behind walls, and none of them is promised.
"""

from __future__ import annotations

import ctypes
import os
import platform
import select
import struct
import sys
import threading
from pathlib import Path

_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2  # prctl
_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # system calls, of these numbers on every machine
_ASK_VERSION = 1
_EXECUTE_AND_WRITE = 0b1_1111_1111_0011  # all of Landlock's first version but reading files and folders
_REFER, _TRUNCATE, _CONNECT = 1 << 13, 1 << 14, 0b11  # of versions 2, 3 and 4

# System calls by machine: its kind; connections, programs, looking into others; and what makes processes or threads.
_MACHINES = {
    "x86_64": (0xC000003E, (41, 42, 43, 49, 50, 53, 57, 58, 59, 101, 288, 310, 311, 322, 425, 426, 427), 56),
    "aarch64": (0xC00000B7, (117, 198, 199, 200, 201, 202, 203, 221, 242, 270, 271, 281, 425, 426, 427), 220),
}
_CLONE_ANEW = 435  # clone3, whose arguments a filter cannot see; where it is missing, libraries take clone
_IS_THREAD = 0x10000
_OTHER_NUMBERS = 0x40000000  # of the x32 way to call a kernel, under which the same calls have other numbers
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _NOT_PERMITTED, _NO_SUCH_CALL = 0x7FFF0000, 0x00050001, 0x00050026


def give_up(memory: int) -> list[str]:
    """Confine this process.

    Args:
        memory: Bytes that it may hold from now on.

    Returns:
        What the kernel now refuses.
    """
    if sys.platform != "linux":
        return []
    limit_memory(memory)
    done = ["memory"]
    kernel = ctypes.CDLL(None, use_errno=True)
    if kernel.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return done
    if _restrict_files(kernel):
        done.append("files")
    if _restrict_calls(kernel):
        done.append("calls")
    return done


def limit_memory(memory: int) -> None:
    """Let the kernel refuse what is beyond: what is resident now counts, reserved address space does not."""
    import resource

    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    resident, data = (int(status[name].split()[0]) * 1024 for name in ("VmRSS", "VmData"))
    limit = data + max(memory - resident, 0)
    _, most = resource.getrlimit(resource.RLIMIT_DATA)  # a cluster may have set less
    limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold a patient's picture


def limit_processor(seconds: float) -> None:
    """Let the kernel end this process after so many further seconds of computing."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime + seconds) + 1
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (limit if most == resource.RLIM_INFINITY else min(limit, most), most))


def end_with_the_caller(orders: int) -> None:
    """End this process as soon as nobody can give it orders any more, whatever it is doing then.

    Args:
        orders: Descriptor of the pipe that orders come through.
    """
    if not hasattr(select, "poll"):
        return

    def watch() -> None:
        hung_up = select.poll()
        hung_up.register(orders, 0)  # what is asked for is nothing; that the other end closed is told always
        hung_up.poll()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def _restrict_files(kernel: ctypes.CDLL) -> bool:
    """Give up to write, make, remove and start files, by Landlock."""
    version = kernel.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < 1:
        return False
    files = _EXECUTE_AND_WRITE | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    rules = struct.pack("2Q", files, _CONNECT if version >= 4 else 0)[: 16 if version >= 4 else 8]
    ruleset = kernel.syscall(_CREATE_RULESET, rules, ctypes.c_size_t(len(rules)), 0)
    if ruleset < 0:
        return False
    try:
        return bool(kernel.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _restrict_calls(kernel: ctypes.CDLL) -> bool:
    """Give up to open connections and to start processes, by seccomp."""
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return False
    architecture, refused, clone = machine
    tests = [(_IF_AT_LEAST, _OTHER_NUMBERS), *((_IF_EQUAL, number) for number in refused)]
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _NOT_PERMITTED),
        (_LOAD, 0, 0, _NUMBER),
        # Numbers after the test are steps to skip: if it holds, and if it does not.
        *((test, len(tests) - place + 4, 0, number) for place, (test, number) in enumerate(tests)),
        (_IF_EQUAL, 5, 0, _CLONE_ANEW),
        (_IF_EQUAL, 1, 0, clone),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_IF_SET, 2, 0, _IS_THREAD),
        (_RETURN, 0, 0, _NOT_PERMITTED),
        (_RETURN, 0, 0, _NO_SUCH_CALL),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    steps = ctypes.create_string_buffer(code, len(code))
    whole = struct.pack("HxxxxxxP", len(program), ctypes.addressof(steps))
    return bool(kernel.prctl(_SECCOMP, _FILTER, whole, 0, 0) == 0)
