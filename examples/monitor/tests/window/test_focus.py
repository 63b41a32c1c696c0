"""The focus: it stays at its place, or comes back to it, whatever keys do."""

import os
import re
import shutil

from accessibility import Gone, Role, State
from case import Case
from machine import FIXTURE
from waiting import until

MAIN_MENU = ["Add to Board…", "Preferences", "Keyboard Shortcuts", "About Sampled Monitor"]


class Focus(Case):
    def start(self, page, **options):
        """The monitor at a page; the laptop has one process."""
        root = os.path.abspath(FIXTURE)
        options = options or {"service_arguments": f" --rootfs {root} --procfs {root}/proc --sysfs {root}/sys"}
        self.one = self.user(**options)
        board = "[board]\nmetrics=cpu/all/usage;memory/physical/used;\n"
        self.one.settings(f"[window]\nwidth=1000\nheight=700\npage={page}\n{board}")
        self.monitor = self.one.monitor()

    def press(self, *keys):
        for key in keys:
            self.desktop.key(key)

    def focused(self):
        """The names of the widget with the focus and of those around it, the innermost last."""
        def path(node):
            try:
                if node.has(State.FOCUSED):
                    return [node.name]
                inner = next(filter(None, map(path, node.children())), None)
                return inner and [node.name] + inner
            except Gone:
                return None
        return next(filter(None, map(path, reversed(self.monitor.windows()))), [])

    def names(self, *what):
        """The names of widgets; none while one of them goes away."""
        try:
            return [node.name for node in self.monitor.all(*what)]
        except Gone:
            return []

    def tab_to(self, name):
        """Presses Tab until the focus is there."""
        moves = self.desktop.accessibility.focused
        while name not in self.focused():
            moves.clear()
            self.press("Tab")
            until(lambda: moves, lambda: f"Tab to go on to {name!r} from {self.focused()}")

    def wait_for_focus(self, name):
        until(lambda: name in self.focused(), lambda: f"the focus at {name!r}, not at {self.focused()}:\n{self.monitor.tree()}")

    def wait_for_items(self, names):
        until(lambda: self.names(Role.MENU_ITEM) == names, lambda: f"the menu {names}:\n{self.monitor.tree()}")

    def to_row(self):
        """Goes to the row of the process by Tab."""
        page = self.monitor.page("Processes")
        self.monitor.words("^systemd$", page)
        until(lambda: self.monitor.all(90, "systemd, 1", page), "a row")
        self.tab_to("systemd, 1")
        # Only the selected row can be ended.
        self.press("space", "Down")
        self.monitor.button("End…", page)

    def test_a_menu_of_a_row(self):
        self.start("processes")
        self.to_row()
        for key in ["Menu", "shift+F10"]:
            self.press(key)
            self.wait_for_items(["Details", "End…", "Kill…"])
            self.press("Escape")
            self.wait_for_focus("systemd, 1")
        self.press("Menu")
        self.wait_for_focus("Details")
        self.press("Down", "Return")
        self.monitor.words("^End “systemd” ")
        until(lambda: "Cancel" in "".join(self.focused()[-1:]), "the focus at the question")
        self.press("Escape")
        self.wait_for_focus("systemd, 1")

    def test_the_details_of_a_process(self):
        self.start("processes")
        self.to_row()
        self.press("Return")
        self.wait_for_focus("Back")
        self.tab_to("CPU")
        graph = self.monitor.find(Role.IMAGE, "CPU")
        self.press("ctrl+Left")
        until(lambda: re.match(r"^\d\d:\d\d:\d\d: ", graph.description), "the time at the cursor")
        # Not the graph takes this.
        self.press("alt+Left")
        self.wait_for_focus("systemd, 1")
        self.press("Return")
        self.wait_for_focus("Back")
        self.press("Escape")
        self.wait_for_focus("systemd, 1")
        self.press("Return")
        self.wait_for_focus("Back")
        # What is typed stays in the search, though the rows come again.
        self.press("ctrl+f", "s")
        self.monitor.words("^systemd$", self.monitor.page("Processes"))
        self.press("y", "s")
        self.wait_for_focus("Search")
        self.press("Escape")
        self.wait_for_focus("systemd, 1")

    def test_a_card_of_the_board(self):
        def titles():
            return list(self.monitor.charts(board))
        self.start("board")
        board = self.monitor.page("Board")
        until(lambda: titles() == ["All processors: Usage", "Memory: Used"], titles)
        self.tab_to("More for All processors: Usage")
        self.press("space")
        self.wait_for_focus("Move Up")
        self.press("Down", "Return")
        until(lambda: titles() == ["Memory: Used", "All processors: Usage"], titles)
        self.wait_for_focus("More for All processors: Usage")
        self.press("Tab", "ctrl+d")
        self.wait_for_focus("Search metrics")
        self.press("Tab")
        self.wait_for_focus("Metrics")
        self.press("Return")
        until(lambda: len(titles()) == 3, titles)
        self.wait_for_focus("All processors: Usage")
        self.press("shift+Tab", "space")
        self.wait_for_focus("Move Up")
        self.press("Down", "Down", "Return")
        until(lambda: len(titles()) == 2 and "All processors: Usage" not in titles(), titles)
        self.wait_for_focus(f"More for {titles()[1]}")

    def test_the_main_menu_of_a_narrow_window(self):
        self.start("overview")
        self.monitor.resize(360, 600)
        until(lambda: self.monitor.window.width() <= 360, "a narrow window")
        self.tab_to("Pause")
        self.press("F10")
        self.wait_for_items(MAIN_MENU)
        self.press("Escape")
        self.wait_for_focus("Pause")
        self.press("F9")
        self.wait_for_focus("Overview")
        self.press("Down")
        self.wait_for_focus("Processor")

    def test_the_order_of_rows(self):
        self.start("processes", with_service=True)
        names = ["sampled-first", "sampled-second"]
        for name in names:
            self.one.start(shutil.copy("/bin/sleep", self.one.path(name)), "1000000")
        page = self.monitor.page("Processes")
        self.press("ctrl+f")
        self.wait_for_focus("Search")
        self.desktop.write("sampled-")
        pattern = re.compile(f"^({'|'.join(names)})$")
        def rows():
            return self.names(Role.LABEL, pattern, page)
        until(lambda: sorted(rows()) == names, rows)
        for order in [names, names[::-1]]:
            self.press("shift+Tab", "space")
            self.wait_for_focus("Order By")
            # First, the focus is at the way back from the inner menu.
            self.press("Return", "Down")
            self.wait_for_focus("Name")
            self.press("Return")
            until(lambda: rows() == order, lambda: f"the order {order}, not {rows()}")
            self.wait_for_focus("Columns and Order")
            self.press("Tab")
            self.wait_for_focus("Search")
