"""A machine with as many processes as a busy server: the laptop of tests/fixtures, with these in place of its own."""

import os
import shutil

from machine import FIXTURE

# The pids, in the order in which they began.
PIDS = range(2000, 12000)
# The first ones are the parents of all others.
PARENTS = 10


class CrowdedMachine:
    """A root directory for the service. Nothing moves in it."""

    def __init__(self, directory):
        self.root = os.path.join(directory, "crowded")
        shutil.copytree(FIXTURE, self.root, symlinks=True)
        for process in filter(str.isdigit, os.listdir(os.path.join(self.root, "proc"))):
            shutil.rmtree(os.path.join(self.root, "proc", process))
        for pid in PIDS:
            process = os.path.join(self.root, "proc", str(pid))
            os.mkdir(process)
            with open(os.path.join(process, "stat"), "w") as stat:
                stat.write(f"{pid} (worker-{pid - PIDS.start}) S {parent(pid)} {pid} {pid} 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 {pid}"
                           f" 171806720 {pages(pid)}{' 0' * 28}\n")

    def arguments(self):
        """Those of the service."""
        return f" --rootfs {self.root} --procfs {self.root}/proc --sysfs {self.root}/sys"


def parent(pid):
    """The pid of the parent; 0 if there is none."""
    return 0 if pid - PIDS.start < PARENTS else PIDS[pid % PARENTS]


def pages(pid):
    """The pages in memory: of each process another number, and in another order than the pids."""
    return 1000 + pid * 7919 % 10007


def row(pid):
    """The name of the row of a process."""
    return f"worker-{pid - PIDS.start}, {pid}"


def by_memory(pids):
    """Processes, the smallest first."""
    return sorted(pids, key=pages)


def tree():
    """All processes, each one above its children, the smallest first."""
    families = [[pid] + by_memory(child for child in PIDS if parent(child) == pid) for pid in by_memory(PIDS[:PARENTS])]
    return [pid for family in families for pid in family]
