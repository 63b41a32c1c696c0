"""A machine for the picture: the laptop of tests/fixtures, with counters that go on.

What it does is the same in every run, so that two pictures differ in the clock and in rounding alone.
"""

import math
import os
import shutil
import time

from gi.repository import GLib

FIXTURE = os.path.join(os.path.dirname(__file__), "../../../../tests/fixtures/laptop")
SECTOR = 512
CPUS = 4
# The kernel counts processor time in hundredths of a second.
HERTZ = 100


def wave(seconds, period, phase=0.0):
    """Between 0 and 1."""
    return 0.5 + 0.5 * math.sin(2 * math.pi * (seconds / period + phase))


def burst(seconds, at, width):
    """1 at a moment, and 0 far from it."""
    return math.exp(-(((seconds - at) / width) ** 2))


def load(seconds, cpu):
    """The share of a processor that is busy."""
    busy = 0.1 + 0.12 * wave(seconds, 23, cpu / 3) + 0.06 * wave(seconds, 3.7, cpu / 5)
    return min(0.97, busy + 0.5 * burst(seconds, 18, 2.5) + 0.7 * burst(seconds, 44 + cpu, 3))


class Machine:
    """A root directory for the service, written as long as the main loop runs."""

    def __init__(self, directory):
        self.root = os.path.join(directory, "laptop")
        shutil.copytree(FIXTURE, self.root, symlinks=True)
        self.begin = self.last = time.monotonic()
        self.busy = [0.0] * CPUS
        self.counters = dict.fromkeys(["read", "written", "received", "sent", "gpu"], 0.0)
        self.originals = {}
        # The sums of the fixture are not exact: before the service reads them.
        self._go_on()
        self.source = GLib.timeout_add(50, self._go_on)

    def stop(self):
        """Lets it stand still."""
        GLib.source_remove(self.source)

    def _go_on(self):
        now = time.monotonic()
        seconds, step = now - self.begin, now - self.last
        self.last = now
        for cpu in range(CPUS):
            self.busy[cpu] += step * load(seconds, cpu)
        rates = {
            "read": 38e6 * burst(seconds, 17, 2) + 3e6 * burst(seconds, 35, 1),
            "written": 2e5 + 17e6 * burst(seconds, 46, 4) + 2e6 * wave(seconds, 9) ** 6,
            "received": 1.5e5 + 5.8e6 * burst(seconds, 28, 9) * (0.8 + 0.2 * wave(seconds, 2.3)),
            "sent": 4e4 + 2.5e5 * burst(seconds, 28, 9) + 6e5 * burst(seconds, 52, 2),
            "gpu": 0.08 + 0.5 * burst(seconds, 40, 8) * (0.85 + 0.15 * wave(seconds, 1.9)),
        }
        for name, rate in rates.items():
            self.counters[name] += step * rate
        self._write("proc/stat", self._stat(seconds))
        self._write("proc/meminfo", self._numbers("proc/meminfo", {"MemAvailable:": 9_600_000 - int(9e5 * burst(seconds, 50, 14))}, 1))
        sectors = {column: int(self.counters[name] / SECTOR) for column, name in [(5, "read"), (9, "written")]}
        self._write("proc/diskstats", self._columns("proc/diskstats", ["nvme0n1", "nvme0n1p2", "dm-0"], 2, sectors))
        octets = {1: int(self.counters["received"]), 9: int(self.counters["sent"])}
        self._write("proc/net/dev", self._columns("proc/net/dev", ["wlp2s0:"], 0, octets))
        engine = {"drm-engine-render:": int(self.counters["gpu"] * 1e9)}
        self._write("proc/1204/fdinfo/12", self._numbers("proc/1204/fdinfo/12", engine, 1))
        heat = 47 + 20 * sum(load(seconds - 1.5, cpu) for cpu in range(CPUS)) / CPUS
        for number in [1, 2, 3]:
            self._write(f"sys/devices/platform/coretemp.0/hwmon/hwmon4/temp{number}_input", f"{int(heat + number) * 1000}\n")
        return GLib.SOURCE_CONTINUE

    def _stat(self, seconds):
        """User takes three quarters of what is busy, and the system the rest."""
        lines = []
        for cpu, busy in enumerate(self.busy):
            user, system, idle = (int(HERTZ * part) for part in (busy * 0.75, busy * 0.25, seconds - busy))
            lines.append([f"cpu{cpu}", 24870 + user, 130, 8200 + system, 310000 + idle, 900, 0, 240, 0, 12, 0])
        total = ["cpu ", *(sum(line[column] for line in lines) for column in range(1, 11))]
        rest = [line for line in self._original("proc/stat").splitlines() if not line.startswith("cpu")]
        return "\n".join([" ".join(map(str, line)) for line in [total, *lines]] + rest) + "\n"

    def _numbers(self, path, values, column):
        """The file with another number in the lines that begin so."""
        lines = []
        for line in self._original(path).splitlines():
            words = line.split()
            if words and words[0] in values:
                words[column] = str(values[words[0]])
                line = " ".join(words)
            lines.append(line)
        return "\n".join(lines) + "\n"

    def _columns(self, path, names, name_column, additions):
        """The file with these additions to columns of the lines that have one of these names."""
        lines = []
        for line in self._original(path).splitlines():
            words = line.split()
            if len(words) > name_column and words[name_column] in names:
                for column, addition in additions.items():
                    words[column] = str(int(words[column]) + addition)
                line = " ".join(words)
            lines.append(line)
        return "\n".join(lines) + "\n"

    def _original(self, path):
        if path not in self.originals:
            with open(os.path.join(FIXTURE, path)) as file:
                self.originals[path] = file.read()
        return self.originals[path]

    def _write(self, path, text):
        """In place, in one write: the service keeps its files open."""
        descriptor = os.open(os.path.join(self.root, path), os.O_WRONLY)
        try:
            os.pwrite(descriptor, text.encode(), 0)
            os.ftruncate(descriptor, len(text))
        finally:
            os.close(descriptor)
