"""Processes of the tests. They end with the one that has started them, also if that is killed."""

import os
import shutil
import subprocess
import sys

from waiting import until


def need(program, package):
    """The path of a program that the tests cannot do without."""
    path = shutil.which(program) or (program if os.access(program, os.X_OK) else None)
    if path is None:
        sys.exit(f"window: {program} is missing (Debian: apt install {package})")
    return path


def start(*arguments, **options):
    """Starts a program."""
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *map(str, arguments)], **options)


def first_line(process):
    """The line that a program prints once it is ready, on a pipe."""
    line = process.stdout.readline().strip()
    if not line:
        sys.exit(f"window: {process.args[4]} has ended with {process.wait()} before it was ready")
    return line


def end(process):
    """Ends a program that may be ended at any time."""
    process.kill()
    process.wait()


def is_running(pid):
    """Whether there is such a process. One that nobody has waited for yet has ended."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def exited(process, what):
    """The exit status of a child, once it has ended."""
    until(lambda: process.poll() is not None, what)
    return process.returncode
