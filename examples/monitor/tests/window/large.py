"""A machine with much of everything, and with names in all scripts: the laptop of tests/fixtures, with more below its roots."""

import os
import shutil

from machine import FIXTURE

CPUS = 128
DISKS = 60
INTERFACES = 100
# Han, Arabic, markup, and a name as long as firmware tells it.
NAMES = ["固态硬盘 三星 980", "قرص صلب سريع", "<b>&amp; 100 % %s {name}</b>", "Very " * 30 + "Long"]
# Of the user: what a script may print.
NUMBERS = {"huge": "1e300", "tiny": "-1e-300", "word": "NaN", "none": ""}


def name(number):
    """One of the names."""
    return NAMES[number % len(NAMES)]


class LargeMachine:
    """A root directory for the service. Nothing moves in it."""

    def __init__(self, directory):
        self.root = os.path.join(directory, "large")
        shutil.copytree(FIXTURE, self.root, symlinks=True)
        times = "24870 130 8200 310000 900 0 240 0 12 0"
        rest = [line for line in self.read("proc/stat").splitlines() if not line.startswith("cpu")]
        cpus = [f"cpu  {times}"] + [f"cpu{number} {times}" for number in range(CPUS)]
        self.write("proc/stat", "\n".join(cpus + rest) + "\n")
        self.write("sys/devices/system/cpu/online", f"0-{CPUS - 1}\n")
        for number in range(CPUS):
            self.write(f"sys/devices/system/cpu/cpu{number}/cpufreq/scaling_cur_freq", f"{1_000_000 + number}\n")
        disks = [f" 8 {16 * number} sd{chr(97 + number // 26)}{chr(97 + number % 26)} 9 0 72 9 9 0 72 9 0 9 18 0 0 0 0 0 0" for number in range(DISKS)]
        self.write("proc/diskstats", self.read("proc/diskstats") + "\n".join(disks) + "\n")
        for number, disk in enumerate(disks):
            directory = f"sys/block/{disk.split()[2]}"
            self.write(f"{directory}/size", "1000215216\n")
            self.write(f"{directory}/device/model", f"{name(number)}\n")
        interfaces = [f"eth{number}: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0" for number in range(INTERFACES)]
        self.write("proc/net/dev", self.read("proc/net/dev") + "\n".join(interfaces) + "\n")
        for number in range(INTERFACES):
            self.write(f"sys/class/net/eth{number}/operstate", "up\n")
            self.write(f"sys/class/net/eth{number}/ifalias", f"{name(number)}\n")
            self.write(f"sys/class/net/eth{number}/device/uevent", "DRIVER=e1000e\n")
        for number in range(len(NAMES)):
            chip = f"sys/class/hwmon/hwmon{50 + number}"
            self.write(f"{chip}/name", "k10temp\n")
            self.write(f"{chip}/temp1_label", f"{name(number)}\n")
            self.write(f"{chip}/temp1_input", "41000\n")

    def arguments(self):
        """Those of the service."""
        return f" --rootfs {self.root} --procfs {self.root}/proc --sysfs {self.root}/sys"

    def metrics(self):
        """Metrics of the user, from files of this machine: a definition."""
        lines = []
        for number, (word, text) in enumerate(NUMBERS.items()):
            self.write(f"numbers/{word}", f"{text}\n")
            lines += [f'[metrics."numbers/{word}/value"]', f'object = "{name(number)}"', f'file = "{self.root}/numbers/{word}"']
        return "\n".join(lines) + "\n"

    def remove(self, name):
        """Takes a file of the user's metrics away."""
        os.remove(os.path.join(self.root, "numbers", name))

    def read(self, path):
        with open(os.path.join(self.root, path)) as file:
            return file.read()

    def write(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
