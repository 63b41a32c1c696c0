"""A machine with much of everything, and with names in all scripts."""

import re
import tempfile

from accessibility import Role
from case import Case
from large import CPUS, NAMES, NUMBERS, LargeMachine
from test_window import PAGES
from waiting import until

# More graphs than these are never in view at once, nor close to it.
MOST_IN_VIEW = 60
SIZES = [(1200, 800), (360, 600)]


class Large(Case):
    def monitor_of_large_machine(self, page, settings=""):
        """A monitor on such a machine, and the machine."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        machine = LargeMachine(directory.name)
        user = self.user(service_arguments=machine.arguments())
        user.write("config/sampled/sources.d/numbers.toml", machine.metrics())
        user.settings(f"[window]\nwidth=1200\nheight=800\npage={page}\n{settings}")
        return user.monitor(), machine

    def test_each_page_in_two_widths(self):
        monitor, _ = self.monitor_of_large_machine("overview")
        for width, height in SIZES:
            monitor.resize(width, height)
            until(lambda: monitor.window.width() <= width, lambda: f"a width of {width}, not {monitor.window.width()}")
            for number, name in enumerate(PAGES):
                monitor.keys("ctrl+Next" if number else "alt+1")
                page = monitor.page(name)
                until(lambda: 0 < page.width() <= width, lambda: f"{name} is {page.width()} wide")
                monitor.words(".", page)
                self.assertLessEqual(monitor.window.width(), width, name)

    def test_only_graphs_in_view_are_drawn(self):
        monitor, _ = self.monitor_of_large_machine("processor")
        page = monitor.page("Processor")
        until(lambda: len(monitor.all(Role.IMAGE, within=page)) >= CPUS, "a graph of each processor")
        # A graph tells its values when it is drawn.
        charts = until(lambda: monitor.charts(page), "graphs with values")
        self.assertLess(len(charts), MOST_IN_VIEW)

    def test_values_of_any_size_and_none(self):
        metrics = [f"numbers/{word}/value" for word in NUMBERS]
        monitor, machine = self.monitor_of_large_machine("board", f"[board]\nmetrics={';'.join(metrics)};\n")
        page = monitor.page("Board")
        for name in NAMES:
            # The service ends long names with an ellipsis.
            monitor.words(re.escape(name[:50]), page)
        def words():
            return " ".join(monitor.charts(page).values())
        until(lambda: "1.0e288" in words() and words().count("malformed. 0 readings") == 2, words)
        machine.remove("huge")
        until(lambda: "gone" in words(), words)
        self.assertEqual(monitor.said(), "")
