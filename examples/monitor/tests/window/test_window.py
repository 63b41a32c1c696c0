"""The window: its pages, its values, its keys."""

import re

from accessibility import Role, State
from case import Case
from monitor import TITLE, has_value, values_in
from waiting import until

PAGES = ["Overview", "Processor", "Memory", "Disks", "File Systems", "Network", "Sensors", "Power", "Graphics", "Processes",
         "Applications", "Sampling", "Board"]
A_PAGE = re.compile(f"^({'|'.join(PAGES)})$")
# Pages that have charts on every machine. The others may have words instead: no battery, no graphics processor.
NAMED = [Role.BUTTON, Role.TOGGLE_BUTTON, Role.IMAGE, Role.TEXT, Role.COMBO_BOX, Role.CHECK_BOX, Role.TABLE, Role.LIST]
CHARTS = ["Overview", "Processor", "Memory", "Disks", "Network"]


class Window(Case):
    def test_values_move(self):
        monitor = self.user().monitor()
        self.assertEqual(monitor.window.name, TITLE)
        page = monitor.page("Overview")
        def values():
            return {name: values_in(words) for name, words in monitor.charts(page).items() if has_value(words)}
        first = until(values, lambda: f"charts with a value: {monitor.tree()}")
        until(lambda: any(values().get(name, value) != value for name, value in first.items()), "another value")

    def test_each_page_by_keyboard(self):
        monitor = self.user().monitor()
        monitor.page(PAGES[0])
        for number, name in enumerate(PAGES):
            if number:
                monitor.keys("ctrl+Next")
            page = monitor.page(name)
            rows = monitor.all(Role.LIST_ITEM, name, monitor.find(Role.LIST, "Pages"))
            self.assertEqual(len(rows), 1, name)
            if name in CHARTS:
                until(lambda: monitor.charts(page), lambda: f"charts of {name}: {monitor.tree()}")
            else:
                monitor.words(".", page)
            # Only what is shown is told.
            self.assertEqual([panel.name for panel in monitor.all(Role.PANEL, A_PAGE)], [name])
        monitor.keys("ctrl+Prior")
        monitor.page(PAGES[-2])
        monitor.keys("alt+2")
        monitor.page(PAGES[1])

    def test_a_screen_reader_finds_a_name_on_everything_that_has_the_focus(self):
        monitor = self.user().monitor()
        for name in PAGES:
            monitor.page(name)
            nameless = [node for role in NAMED
                        for node in monitor.all(role, "") if node.has(State.FOCUSABLE)]
            self.assertEqual([node.path for node in nameless], [], name)
            monitor.keys("ctrl+Next")

    def test_the_list_of_metrics_follows_the_service(self):
        def define(name):
            text = f"[metrics.'room/{name}/uptime']\nfile = '/proc/uptime'\nregex = '[0-9]+'\n"
            user.write(f"config/sampled/sources.d/{name}.toml", text)
        user = self.user()
        define("attic")
        monitor = user.monitor()
        monitor.page("Overview")
        monitor.keys("ctrl+d")
        metrics = monitor.find(Role.LIST, "Metrics")
        dialog, = [window for window in monitor.windows() if window.path != monitor.window.path]
        until(lambda: dialog.has(State.ACTIVE), "the dialog is active")
        self.desktop.write("room/")
        monitor.find(Role.LABEL, "room/attic/uptime", metrics)
        define("cellar")
        monitor.find(Role.LABEL, "room/cellar/uptime", metrics)
        monitor.find(Role.LABEL, "room/attic/uptime", metrics)

    def test_a_narrow_window(self):
        monitor = self.user().monitor()
        monitor.resize(360, 600)
        until(lambda: monitor.window.width() <= 360, lambda: f"a width of 360, not {monitor.window.width()}")
        for name in PAGES:
            page = monitor.page(name)
            # Before the first layout it has no width.
            until(lambda: 0 < page.width() <= 360, lambda: f"{name} is {page.width()} wide")
            monitor.keys("ctrl+Next")
            self.assertLessEqual(monitor.window.width(), 360, name)

    def test_a_second_run_shows_the_first_window(self):
        user = self.user()
        first = user.monitor()
        first.minimize()
        until(lambda: not first.is_active(), "the window is not active")
        second = user.run_monitor()
        self.assertEqual(second.exit(), 0, second.said())
        until(first.is_active, "the first window is active")
        self.assertEqual(len(first.windows()), 1)

    def test_no_display(self):
        user = self.user()
        monitor = user.run_monitor(DISPLAY=None)
        self.assertEqual(monitor.exit(), 1)
        self.assertRegex(monitor.said(), r"^sampled-monitor: .*display.*\n$")

    def test_options_need_no_display(self):
        user = self.user()
        without = {"DISPLAY": None, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}
        monitor = user.run_monitor("--help", **without)
        self.assertEqual(monitor.exit(), 0, monitor.said())
        self.assertRegex(monitor.said(), r"(?s)^Usage:.*--version +Print the version\n")
        monitor = user.run_monitor("--version", **without)
        self.assertEqual(monitor.exit(), 0, monitor.said())
        self.assertRegex(monitor.said(), r"^sampled-monitor \d+\.\d+\.\d+\n$")
        monitor = user.run_monitor("--no-such-option", **without)
        self.assertEqual(monitor.exit(), 1, monitor.said())
        self.assertIn("--no-such-option", monitor.said())

    def test_a_theme_without_icons(self):
        user = self.user()
        user.settings("[window]\npage=processes\n")
        # GTK falls back to Adwaita, which is in none of these.
        monitor = user.monitor(XDG_DATA_DIRS=f"{self.installation.prefix}/share")
        page = monitor.page("Processes")
        # In place of the icon of a button.
        monitor.words("^Tree$", page)

    def test_german(self):
        monitor = self.user().monitor(LANGUAGE="de")
        monitor.page("Übersicht")
        monitor.button("Anhalten")
        monitor.keys("ctrl+Next")
        monitor.page("Prozessor")
