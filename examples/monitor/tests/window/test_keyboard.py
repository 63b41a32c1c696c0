"""Tab goes from part to part of the window, and never through all rows of a list."""

from accessibility import Gone, Role, State
from case import Case
from waiting import until


class Keyboard(Case):
    def setUp(self):
        user = self.user()
        user.settings("[window]\npage=processes\n")
        self.monitor = user.monitor()
        self.page = self.monitor.page("Processes")

    def has_focus(self, part):
        def is_focused(node):
            try:
                return node.has(State.FOCUSED)
            except Gone:
                return False
        return any(is_focused(node) for node in part.descendants())

    def wait_for_focus(self, part):
        until(lambda: self.has_focus(part), lambda: f"the focus in {part.name}:\n{self.monitor.tree()}")

    def wait_for_focus_outside(self, part, window):
        """Waits until the focus is in a window, but not in a part of it."""
        until(lambda: self.has_focus(window) and not self.has_focus(part), lambda: f"another focus:\n{self.monitor.tree()}")

    def test_the_list_of_pages(self):
        pages = self.monitor.find(Role.LIST, "Pages")
        self.wait_for_focus(pages)
        self.monitor.keys("Tab")
        self.wait_for_focus_outside(pages, self.monitor.window)
        self.monitor.keys("shift+Tab")
        self.wait_for_focus(pages)
        self.monitor.keys("shift+Tab")
        self.wait_for_focus_outside(pages, self.monitor.window)
        # No other page has been shown.
        self.assertEqual(self.monitor.page("Processes").path, self.page.path)

    def test_the_list_of_metrics(self):
        self.monitor.keys("ctrl+d")
        metrics = self.monitor.find(Role.LIST, "Metrics")
        dialog, = [window for window in self.monitor.windows() if window.path != self.monitor.window.path]
        until(lambda: dialog.has(State.ACTIVE), "the dialog is active")
        # It may have come before them.
        until(metrics.children, "metrics")
        self.desktop.key("Tab")
        self.wait_for_focus(metrics)
        self.desktop.key("Tab")
        until(lambda: not self.has_focus(metrics), "the focus outside the list")
