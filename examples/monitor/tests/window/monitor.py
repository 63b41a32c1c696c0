"""The monitor as assistive technology sees it."""

import re
import subprocess
import tempfile

from accessibility import Gone, Role, State
from processes import exited, start
from waiting import until

TITLE = "Sampled Monitor"


def fits(text, wanted):
    """Whether a text is the wanted one, or has the wanted pattern in it."""
    if wanted is None:
        return True
    return wanted == text if isinstance(wanted, str) else bool(wanted.search(text))


def has_value(description):
    """Whether the description of a chart has a number as its newest value."""
    return bool(re.search(r"\d", values_in(description)))


def values_in(description):
    """The newest values in the description of a chart: its first sentence."""
    return re.split(r"\.(?:\s|$)", description)[0]


class Monitor:
    """A process of the monitor and its window."""

    def __init__(self, desktop, program, environment, arguments=()):
        self.desktop = desktop
        self.output = tempfile.TemporaryFile("w+")
        self.process = start(program, *arguments, env=environment, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output)
        self.pid = self.process.pid
        self.window = None

    def said(self):
        """What it has written to stdout and stderr."""
        self.output.seek(0)
        return self.output.read()

    def exit(self):
        """Its exit status, once it has ended."""
        return exited(self.process, f"the exit of the monitor, process {self.pid}")

    def appear(self):
        """Waits for the window, and for the focus to be in it."""
        self.window = until(self._frame, lambda: f"the window of process {self.pid}: {self.said()}")
        until(self.is_active, "the window is active")

    def windows(self):
        """Its windows and dialogs."""
        return self.desktop.accessibility.windows(self.pid)

    def _frame(self):
        assert self.process.poll() is None, f"the monitor has ended with {self.process.returncode}: {self.said()}"
        return next(iter(self.all(Role.FRAME)), None)

    def is_active(self):
        """Whether its window has the focus."""
        return self.window.has(State.ACTIVE)

    def _matching(self, roles, name, within):
        for top in [within] if within else self.windows():
            for node in top.descendants():
                try:
                    if node.role in roles and fits(node.name, name):
                        yield node
                except Gone:
                    # It is not there, then.
                    pass

    def all(self, role, name=None, within=None):
        """The widgets of a role, and of a name if that is given: a text, or a pattern that is found in it."""
        return list(self._matching([role], name, within))

    def find(self, role, name=None, within=None):
        """The first of them, once there is one."""
        return until(lambda: next(self._matching([role], name, within), None), lambda: f"{role.name} {name!r} in\n{self.tree()}")

    def words(self, pattern, within=None):
        """A label whose text has this pattern, once there is one."""
        return self.find(Role.LABEL, re.compile(pattern), within)

    def button(self, name, within=None):
        """A button that can be pressed, once there is one."""
        def sensitive():
            buttons = self._matching([Role.BUTTON, Role.TOGGLE_BUTTON], name, within)
            return next((button for button in buttons if button.has(State.SENSITIVE)), None)
        return until(sensitive, lambda: f"a button {name!r} in\n{self.tree()}")

    def press(self, name, within=None):
        """Presses a button."""
        assert self.button(name, within).act(), f"button {name!r}"

    def choose(self, menu, item):
        """Opens the menu of a button and chooses an item."""
        # A menu button is two widgets of one name: the inner one opens it.
        inner = until(lambda: self.all(Role.BUTTON, menu)[-1:], lambda: f"a menu {menu!r} in\n{self.tree()}")
        inner[0].act()
        assert self.find(Role.MENU_ITEM, item).act(), f"menu item {item!r}"
        # While it closes, keys are its own.
        until(lambda: not self.all(Role.MENU_ITEM), "the menu is closed")

    def keys(self, *keys):
        """Presses keys in the window."""
        for key in keys:
            until(self.is_active, "the window is active")
            self.desktop.key(key)

    def x_window(self):
        """The number of its window on the display."""
        found = self.desktop.run("xdotool", "search", "--sync", "--all", "--onlyvisible", "--pid", self.pid, "--name", f"^{TITLE}$")
        return found.split()[-1]

    def resize(self, width, height):
        """Asks for a size of the window."""
        self.desktop.run("xdotool", "windowsize", self.x_window(), width, height)

    def point_at(self, node):
        """Moves the pointer to the middle of a widget."""
        left, top, width, height = node.place()
        self.desktop.run("xdotool", "mousemove", "--window", self.x_window(), left + width // 2, top + height // 2)

    def click(self, node):
        """Clicks at a widget."""
        self.point_at(node)
        self.desktop.run("xdotool", "click", "1")

    def open_page(self, name):
        """Clicks at the row of a page; the page, once it is shown."""
        self.click(self.find(Role.LIST_ITEM, name, self.find(Role.LIST, "Pages")))
        return self.page(name)

    def minimize(self):
        """Minimizes the window."""
        self.desktop.run("xdotool", "windowminimize", self.x_window())

    def page(self, name):
        """The page of this name, once it is shown."""
        return self.find(Role.PANEL, name)

    def charts(self, within=None):
        """The charts: names and descriptions."""
        try:
            charts = [(chart.name, chart.description) for chart in self.all(Role.IMAGE, within=within)]
            # Pictures without a description are icons. The marks around names are for mixed directions of writing.
            return {name: re.sub("[\u2068\u2069]", "", words) for name, words in charts if words}
        except Gone:
            return {}

    def status(self):
        """What the footer says."""
        footer = self.find(Role.STATUS_BAR, "Service")
        return " ".join(label.name for label in self.all(Role.LABEL, within=footer))

    def wait_for_status(self, pattern):
        """Waits until the footer says this."""
        until(lambda: re.search(pattern, self.status()), lambda: f"the footer to say {pattern!r}, not {self.status()!r}")

    def tree(self):
        """All of it, for the messages of failed tests."""
        return "\n".join([window.tree() for window in self.windows()] + [self.said()])
