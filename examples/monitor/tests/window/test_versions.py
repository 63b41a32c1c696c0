"""A service of another version: the window shows what it can."""

import os
import re

from accessibility import Role
from case import Case
from monitor import has_value
from test_window import PAGES
from waiting import until

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "other_version.py")


class Versions(Case):
    def monitor_with(self, version):
        """A monitor with a service of this version."""
        user = self.user(with_service=False)
        user.start("/usr/bin/python3", "-B", PROGRAM, version)
        user.wait_for_service()
        return user.monitor()

    def see_each_page(self, monitor):
        """Opens one page after the other."""
        for number, name in enumerate(PAGES):
            if number:
                monitor.keys("ctrl+Next")
            page = monitor.page(name)
            monitor.words(".", page)

    def see_value(self, monitor, page, chart, value):
        """Waits for a value of a chart."""
        page = monitor.page(page)
        def text():
            return monitor.charts(page).get(chart, "").replace("\N{NO-BREAK SPACE}", " ")
        until(lambda: value in text(), lambda: f"{value} in {text()!r}:\n{monitor.tree()}")

    def test_an_earlier_one(self):
        monitor = self.monitor_with("earlier")
        self.see_value(monitor, "Overview", "Processor", "12.0 %")
        monitor.wait_for_status(r"sampled 0\.0\.1 is running")
        self.see_each_page(monitor)
        monitor.keys("alt+1")
        self.see_value(monitor, "Overview", "Memory", "1.0 GiB")
        for _ in PAGES[1:-1]:
            monitor.keys("ctrl+Next")
        page = monitor.page("Sampling")
        monitor.words(r"^0\.0\.1$", page)
        monitor.words("^process \\d+, every 1\N{NO-BREAK SPACE}s$", page)

    def test_a_later_one(self):
        monitor = self.monitor_with("later")
        self.see_value(monitor, "Overview", "Processor", "12.0 %")
        self.see_value(monitor, "Overview", "Disks", "1.0e300 furlong/fortnight")
        self.see_each_page(monitor)
        for _ in range(6):
            monitor.keys("ctrl+Prior")
        page = monitor.page("Sensors")
        monitor.words("^Flux <capacitor>$", page)
        monitor.words("^excellent$", page)
        for _ in range(5):
            monitor.keys("ctrl+Next")
        page = monitor.page("Sampling")
        monitor.words("^dreaming$", page)
        monitor.words(r"^99\.0$", page)
        # Without an interval that it understands.
        monitor.words(r"^process \d+$", page)
