"""A service of another version: the window shows what it can."""

import os
import re

from accessibility import Role
from case import Case
from processes import end
from test_service import readings
from test_window import PAGES
from waiting import until

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "other_version.py")


class Versions(Case):
    def start_service(self, user, version):
        """Starts a service of this version; its process."""
        process = user.start("/usr/bin/python3", "-B", PROGRAM, version)
        user.wait_for_service()
        return process

    def monitor_with(self, version):
        """A monitor with a service of this version."""
        user = self.user(with_service=False)
        self.start_service(user, version)
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
        monitor.words("^process \\d+, every \u20661\N{NO-BREAK SPACE}s\u2069$", page)

    def test_an_earlier_one_watches_no_thresholds(self):
        user = self.user(with_service=False)
        earlier = self.start_service(user, "earlier")
        calls = user.calls("Watch")
        user.settings("[board]\nthresholds=memory/physical/used above 1;cpu/all/usage above 1000;\n")
        monitor = user.monitor()
        words = "^Thresholds are not watched: the service is an earlier version"
        monitor.words(words)
        page = monitor.page("Overview")
        def count():
            return max(map(readings, monitor.charts(page).values()), default=0)
        first = until(count, "readings")
        until(lambda: count() >= first + 3, "three readings more")
        # One for each threshold: in this time it would have tried again.
        self.assertEqual(len(calls), 2)
        monitor.choose("More for Memory", re.compile("^Notify When"))
        dialog = monitor.find(Role.FRAME, "Threshold")
        monitor.words(words, dialog)
        monitor.press(re.compile("Remove Threshold$"), dialog)
        until(lambda: "thresholds=cpu/all/usage above 1000;" in user.saved(), user.saved)
        monitor.words(words)

        end(earlier)
        until(lambda: user.service() is None, "no service")
        # Nothing would start it again.
        user.write("config/sampled/config.toml", 'idle_timeout = "60s"\n')
        user.start(self.installation.sampled, "serve")
        until(lambda: any("threshold" in session for session in user.sessions(monitor.pid)), "a watch")
        until(lambda: not monitor.all(Role.LABEL, re.compile(words)), lambda: f"no such words:\n{monitor.tree()}")

    def test_a_long_error(self):
        user = self.user(with_service=False)
        self.start_service(user, "later")
        user.settings("[board]\nthresholds=cpu/all/usage above 1;\n")
        label = user.monitor().words("^A threshold is not watched: .*nor then$")
        self.assertLess(len(label.name), 400)

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
