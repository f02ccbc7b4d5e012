"""What a decoding process gives up, and that it ends with whoever started it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from piggygan.data.untrusted import confinement


def running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] not in "ZX"


CONFINEMENT = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("confinement", {str(Path(confinement.__file__))!r})
confinement = importlib.util.module_from_spec(spec)
spec.loader.exec_module(confinement)
"""

BUSY = (
    CONFINEMENT
    + """
confinement.end_with_the_caller(sys.stdin.fileno())
print(flush=True)
while True:
    pass
"""
)

LEAVING = f"""
import subprocess, sys, time
arguments = [["-m", "piggygan.data.untrusted.child", str(1 << 30), "10"], ["-c", {BUSY!r}]]
pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
children = [subprocess.Popen([sys.executable, *one], **pipes) for one in arguments]
print([child.stdout.readline() and child.pid for child in children], flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="processes are looked up in /proc")
def test_17_13_a_child_does_not_outlive_a_parent_that_is_killed() -> None:
    """Neither one that waits for orders, nor one that is busy for ever."""
    parent = subprocess.Popen([sys.executable, "-c", LEAVING], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    children = json.loads(parent.stdout.readline())
    assert all(map(running, children))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 10
    while any(map(running, children)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(map(running, children))


def test_17_13_what_decoders_do_not_need_is_given_up(tmp_path: Path) -> None:
    """A decoder that a file took over can write no file, start no program and open no connection."""
    code = (
        CONFINEMENT
        + f"""
import os, socket, threading
given_up = confinement.give_up(1 << 31)
def refused(act):
    try:
        act()
    except PermissionError:
        return True
    return False
acts = {{
    "files": [
        lambda: open({str(tmp_path / "new")!r}, "w"),
        lambda: os.unlink({str(tmp_path / "there")!r}),
        lambda: os.mkdir({str(tmp_path / "folder")!r}),
        lambda: os.symlink("a", {str(tmp_path / "link")!r}),
    ],
    "calls": [lambda: socket.socket(), lambda: os.fork(), lambda: os.execv("/bin/true", ["true"])],
}}
print(given_up, [all(refused(act) for act in acts[what]) for what in given_up[1:]])
thread = threading.Thread(target=lambda: print(open({str(tmp_path / "there")!r}).read()))
thread.start()
thread.join()
"""
    )
    (tmp_path / "there").write_text("still there")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = result.stdout.splitlines()
    assert "False" not in first
    assert second == "still there"
    if sys.platform != "linux" or "calls" not in first:
        pytest.skip(f"this kernel gives up {first} only")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]


LIMITS = """
import resource
{before}
try:
    confinement.limit_memory(1 << 29)
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    print(soft == hard, soft, resource.getrlimit(resource.RLIMIT_CORE))
    kept = bytearray(1 << 24)
    bytearray(1 << 30)
    print("taken")
except MemoryError:
    print("refused", len(kept))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
@pytest.mark.parametrize("most", [None, 1 << 28])
def test_memory_beyond_the_limit_is_refused_also_where_somebody_set_a_lower_one(most: int | None) -> None:
    before = "" if most is None else f"resource.setrlimit(resource.RLIMIT_DATA, ({most}, {most}))"
    code = CONFINEMENT + LIMITS.format(before=before)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = result.stdout.splitlines()
    alike, limit, core = first.split(" ", 2)
    assert (alike, core) == ("True", "(0, 0)")
    assert int(limit) <= (most or (1 << 29) + (1 << 27))  # what it had taken before counts too
    assert second == f"refused {1 << 24}"


@pytest.mark.skipif(sys.platform == "win32", reason="the processor is limited by POSIX")
def test_a_process_that_computes_too_long_is_ended_and_one_that_waits_is_not() -> None:
    code = CONFINEMENT + "import time\nconfinement.limit_processor(0.2)\ntime.sleep(1.2)\nprint('slept', flush=True)\n"
    result = subprocess.run([sys.executable, "-c", code + "while True: pass"], capture_output=True, text=True)
    assert result.stdout == "slept\n"
    assert result.returncode == -signal.SIGXCPU


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_limit_of_the_processor_counts_from_now_and_can_be_set_anew() -> None:
    code = CONFINEMENT + (
        "import resource, time\n"
        "while time.process_time() < 1.1: pass\n"
        "confinement.limit_processor(5)\n"
        "first = resource.getrlimit(resource.RLIMIT_CPU)\n"
        "confinement.limit_processor(50)\n"
        "print(first[0], resource.getrlimit(resource.RLIMIT_CPU)[0])\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = map(int, result.stdout.split())
    assert 7 <= first <= 9
    assert second - first == 45
