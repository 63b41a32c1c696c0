"""The window in a language that is written from right to left."""

import os
import re
import shutil
import tempfile

from accessibility import Role, State
from case import Case
from large import NAMES, LargeMachine
from test_service import readings
from test_window import PAGES
from waiting import until

# GTK takes the direction of writing from its own translation, if the program has one into the same language.
MESSAGES_OF_GTK = "/usr/share/locale/he/LC_MESSAGES/gtk40.mo"
HEBREW = {"Overview": "סקירה", "Processor": "מעבד", "Memory": "זיכרון", "Pages": "דפים", "Name": "שם"}
# A number and its unit, which would be turned around beside words: they are not in an isolate.
MIXED = re.compile("^([^\u2066]|\u2066[^\u2069]*\u2069)*\\d\N{NO-BREAK SPACE}")
DAY = 24 * 3600


def left(node):
    """The left edge of a widget."""
    return node.place()[0]


def right(node):
    """The right edge of a widget."""
    return left(node) + node.width()


class RightToLeft(Case):
    def setUp(self):
        if not os.path.exists(MESSAGES_OF_GTK):
            self.skipTest(f"{MESSAGES_OF_GTK} is missing: it is of libgtk-4-common, unless dpkg leaves translations out")
        self.installation.translate("he", HEBREW)

    def monitor(self, user):
        """The monitor in Hebrew."""
        return user.monitor(LANGUAGE="he")

    def graph(self, monitor, name="מעבד"):
        """A graph of the overview, once it has a size."""
        graph = monitor.find(Role.IMAGE, name, monitor.page("סקירה"))
        until(lambda: graph.width() > 0, "the first layout")
        return graph

    def test_the_list_of_pages_is_at_the_right(self):
        monitor = self.monitor(self.user())
        graph = self.graph(monitor)
        page = monitor.page("סקירה")
        pages = monitor.find(Role.LIST, "דפים")
        self.assertGreaterEqual(left(pages), right(page))
        self.assertGreater(left(graph), left(self.graph(monitor, "זיכרון")))
        title = monitor.find(Role.LABEL, "מעבד", page)
        self.assertEqual(right(title), right(graph))
        footer = monitor.find(Role.STATUS_BAR, "Service")
        words = monitor.words("sampled .* is running", footer)
        self.assertGreater(left(words), left(monitor.button("1 minute", footer)))

    def test_time_runs_from_left_to_right(self):
        user = self.user()
        user.settings("[sampling]\ninterval-ms=250\n")
        monitor = self.monitor(user)
        graph = self.graph(monitor)
        # The past is longer than the shortest span.
        until(lambda: readings(graph.description) >= 28, "readings")

        def cursor():
            time = re.match(r"^(\d\d):(\d\d):(\d\d): ", graph.description)
            return time and int(time[1]) * 3600 + int(time[2]) * 60 + int(time[3])

        def at(x):
            top, height = graph.place()[1], graph.place()[3]
            self.desktop.run("xdotool", "mousemove", "--window", monitor.x_window(), 1, 1)
            until(lambda: cursor() is None, "no cursor")
            self.desktop.run("xdotool", "mousemove", "--window", monitor.x_window(), x, top + height // 2)
            return until(cursor, "the time at the pointer")

        def after(press):
            former = cursor()
            # A step is 0.6 s.
            monitor.keys(*[press] * 5)
            now = until(lambda: cursor() not in [None, former] and cursor(), f"another time after {press}")
            return (now - former + DAY // 2) % DAY - DAY // 2

        past, now = at(left(graph) + 5), at(right(graph) - 5)
        self.assertIn((now - past) % DAY, range(50, 70))
        monitor.click(graph)
        until(lambda: graph.has(State.FOCUSED), lambda: f"the focus in the graph: {monitor.tree()}")
        self.assertLess(after("ctrl+Left"), 0)
        self.assertGreater(after("ctrl+Right"), 0)
        monitor.keys("Escape", *["plus"] * 12)
        monitor.button("5 seconds")
        self.assertEqual(monitor.all(Role.BUTTON, re.compile("Back to")), [])
        monitor.keys("Left")
        monitor.button(re.compile("Back to"))
        # Meanwhile time has passed.
        monitor.keys(*["Right"] * 16)
        until(lambda: not monitor.all(Role.BUTTON, re.compile("Back to")), "the end of the past")

    def test_the_first_column_is_at_the_right(self):
        user = self.user()
        user.settings("[window]\npage=processes\n")
        child = user.start(shutil.copy("/bin/sleep", user.path("sampled-right")), "1000000")
        monitor = self.monitor(user)
        page = monitor.page("Processes")
        monitor.keys("ctrl+f")
        self.desktop.write("sampled-right")
        pid = monitor.find(Role.LABEL, re.compile(f"^{child.pid}$"), page)
        name = monitor.find(Role.LABEL, "sampled-right", page)
        self.assertGreaterEqual(left(name), right(pid))
        # As a number, it ends where numbers end.
        header, other = (monitor.find(Role.LABEL, title, page) for title in ["שם", "PID"])
        self.assertGreaterEqual(left(header), right(other))
        for width in [900, 360]:
            monitor.resize(width, 600)
            until(lambda: 0 < page.width() <= width, lambda: f"a width of {width}, not {page.width()}")
            until(lambda: left(page) <= left(name) < right(name) <= right(page),
                  lambda: f"the name at {name.place()} in the page at {page.place()}")

    def test_values_keep_their_order(self):
        user = self.user()
        user.settings("[board]\nthresholds=cpu/all/usage above 1000;\n")
        monitor = self.monitor(user)
        self.graph(monitor)
        for number, title in enumerate(PAGES):
            monitor.keys(*["ctrl+Next"] if number else [])
            page = monitor.page(HEBREW.get(title, title))
            monitor.words({"Sampling": "MiB", "Overview": "%", "Processes": "MiB"}.get(title, "."), page)
            self.assertEqual(monitor.all(Role.LABEL, MIXED, page), [], title)

    def test_names_in_all_scripts(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        machine = LargeMachine(directory.name)
        user = self.user(service_arguments=machine.arguments())
        user.settings("[window]\nwidth=1200\nheight=800\npage=disks\n")
        monitor = self.monitor(user)
        page = monitor.page("Disks")
        for name in NAMES[:2]:
            label = monitor.words(re.escape(name), page)
            until(lambda: label.width() > 0, "the first layout")
            self.assertGreaterEqual(left(label), left(page))
            self.assertLessEqual(right(label), right(page))
