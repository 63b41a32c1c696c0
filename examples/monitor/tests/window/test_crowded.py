"""The table of ten thousand processes. GTK has widgets for a part of the rows, and uses them again for others."""

import tempfile

from accessibility import Gone, Role, State
from case import Case
from crowded import PIDS, CrowdedMachine, by_memory, row, tree
from waiting import until

TREE = "Children Below Their Parents"
# Rows that are compared: more than the window shows at once, and fewer than there are widgets.
SOME = 40


class Crowded(Case):
    @classmethod
    def setUpClass(cls):
        # In memory: ten thousand directories take seconds on a disk.
        directory = tempfile.TemporaryDirectory(dir="/dev/shm")
        cls.addClassCleanup(directory.cleanup)
        cls.machine = CrowdedMachine(directory.name)

    def setUp(self):
        user = self.user(service_arguments=self.machine.arguments())
        user.settings("[window]\npage=processes\n")
        self.monitor = user.monitor()
        self.page = self.monitor.page("Processes")
        self.tree = self.monitor.button(TREE, self.page)
        self.table = self.monitor.find(Role.TREE_TABLE, within=self.page)
        self.list = self.monitor.find(Role.LIST, within=self.table)

    def names(self):
        """The names of some rows, from the first one on; none if one goes away meanwhile."""
        try:
            return [row.name for row in self.list.children()[:SOME]]
        except Gone:
            return []

    def wait_for(self, pids):
        """Waits until the table begins with these processes."""
        expected = [row(pid) for pid in pids[:SOME]]
        until(lambda: self.names() == expected, lambda: f"{expected}, not {self.names()}")

    def around_selected(self):
        """The names of the rows from the one above the selected row on, and whether that is in view."""
        try:
            rows = self.list.children()
            place, = [place for place, row in enumerate(rows) if row.has(State.SELECTED)]
            _, top, _, height = self.list.place()
            _, above, _, own = rows[place].place()
            return [row.name for row in rows[max(0, place - 1):place + SOME]], top <= above <= top + height - own
        except (Gone, ValueError):
            return [], False

    def wait_for_selected(self, pid, pids):
        """Waits until one row is selected, that of a process, in view and where it is in this order."""
        place = pids.index(pid)
        expected = [row(pid) for pid in pids[max(0, place - 1):place + SOME]]
        until(lambda: self.around_selected() == (expected, True), lambda: f"{expected}, not {self.around_selected()}")

    def has_focus(self, pid):
        """Whether the focus is in the row of a process."""
        try:
            found = next(widget for widget in self.list.children() if widget.name == row(pid))
            return any(node.has(State.FOCUSED) for node in found.descendants())
        except (Gone, StopIteration):
            return False

    def wait_for_focus(self, pid):
        """Waits until the focus is in the row of a process."""
        until(lambda: self.has_focus(pid), lambda: f"the focus in {row(pid)}: {self.names()}")

    def sort_by_memory(self):
        """The smallest process comes first."""
        self.monitor.click(self.monitor.find(Role.LABEL, "Memory", self.table))
        self.wait_for(by_memory(PIDS))

    def search(self, text):
        """Types into the search, and waits until what is found is shown."""
        self.monitor.keys("ctrl+f")
        search = self.monitor.find(Role.ENTRY, within=self.page)
        until(lambda: any(node.has(State.FOCUSED) for node in search.descendants()), "the focus is in the search")
        self.desktop.write(text)
        found = by_memory(pid for pid in PIDS if text in row(pid).split(",")[0])
        self.wait_for(found)
        return found

    def select(self):
        """Selects a row by keyboard; its process."""
        found = self.search("worker-77")
        self.monitor.keys("Tab", "Down")
        self.wait_for_selected(found[1], found)
        self.monitor.keys("Escape")
        self.wait_for_selected(found[1], by_memory(PIDS))
        # Nor does a search lose it that finds others.
        self.search("worker-123")
        self.monitor.keys("Escape")
        self.wait_for_selected(found[1], by_memory(PIDS))
        return found[1]

    def test_order_and_tree(self):
        self.wait_for(PIDS[::-1])
        self.sort_by_memory()
        self.tree.act()
        self.wait_for(tree())
        self.tree.act()
        self.wait_for(by_memory(PIDS))

    def test_search_in_list_and_tree(self):
        self.sort_by_memory()
        self.search("worker-123")
        # Another text takes the place of the first.
        self.search("worker-77")
        self.monitor.keys("Escape")
        self.wait_for(by_memory(PIDS))
        self.tree.act()
        self.wait_for(tree())
        self.search("worker-123")
        self.monitor.keys("Escape")
        self.wait_for(tree())

    def test_selection_and_focus_stay(self):
        self.sort_by_memory()
        pid = self.select()
        self.wait_for_focus(pid)
        # As a screen reader does it, the focus stays in the table.
        self.tree.act()
        self.wait_for_selected(pid, tree())
        self.wait_for_focus(pid)
        # By keyboard it goes to the button, across three others, and comes back.
        self.monitor.keys("ctrl+f", *["shift+Tab"] * 4)
        until(lambda: self.tree.has(State.FOCUSED), "the focus at the button")
        self.monitor.keys("space")
        self.wait_for_selected(pid, by_memory(PIDS))
        self.monitor.keys(*["Tab"] * 5)
        self.wait_for_focus(pid)
        self.monitor.keys("Down")
        self.wait_for_selected(by_memory(PIDS)[by_memory(PIDS).index(pid) + 1], by_memory(PIDS))

    def test_tab_leaves_the_table(self):
        self.sort_by_memory()
        pid = self.select()
        self.wait_for_focus(pid)
        for away, back in [("Tab", "shift+Tab"), ("shift+Tab", "Tab")]:
            self.monitor.keys(away)
            until(lambda: not any(node.has(State.FOCUSED) for node in self.table.descendants()), "the focus elsewhere")
            self.wait_for_selected(pid, by_memory(PIDS))
            self.monitor.keys(back)
            self.wait_for_focus(pid)
