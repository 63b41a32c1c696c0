"""Tab and Shift+Tab reach every control of every page and dialog, each of which has a name, and come back to where they began."""

import os
import re

from accessibility import Gone, Role, State
from case import Case
from machine import FIXTURE
from test_window import PAGES
from waiting import until

CONTROLS = [Role.BUTTON, Role.TOGGLE_BUTTON, Role.CHECK_BOX, Role.COMBO_BOX, Role.TEXT, Role.ENTRY]
# What can be selected in them: only some of them take the focus.
SELECTABLE = [Role.LABEL, Role.LIST_ITEM]
# Arrows go from row to row.
LISTS = ["Pages", "Metrics", "Processes", "Applications"]
# Keys of the window manager do the same.
OF_TITLE_BAR = ["Minimize", "Maximize", "Close"]
NAMED = CONTROLS + SELECTABLE + [Role.IMAGE, Role.LIST, Role.TREE_TABLE]
# In place of a name, GTK tells the type.
NAMELESS = re.compile("^$|^(Gtk|Adw|Monitor|Sampled)[A-Z][A-Za-z]*$")
AT_ONCE = 8


class Widget:
    """A widget of a window, as it was when the tree was read."""

    def __init__(self, node, parent=None):
        self.node = node
        self.parent = parent
        self.path, self.role, self.states = node.path, node.role, node.states()
        self.name = node.name if self.role in NAMED else ""
        self.children = []
        for child in node.children():
            try:
                self.children.append(Widget(child, self))
            except Gone:
                pass
        self.is_around_control = any(child.is_control() or child.is_around_control for child in self.children)

    def __str__(self):
        role = Role(self.role).name if self.role in list(Role) else f"role {self.role}"
        return f"{role} {self.name!r}"

    def has(self, state):
        return bool(self.states >> state & 1)

    def ancestors(self):
        return [self, *(self.parent.ancestors() if self.parent else [])]

    def descendants(self):
        yield self
        for child in self.children:
            yield from child.descendants()

    def is_control(self):
        """Whether Tab has to reach it: of a control in a control, the inner one."""
        if self.is_around_control or not self.has(State.SENSITIVE) or self.name in OF_TITLE_BAR:
            return False
        # A combo box has the list of its choices in it.
        if any(each.role == Role.COMBO_BOX for each in self.ancestors()[1:]):
            return False
        if self.role in SELECTABLE:
            return self.has(State.FOCUSABLE)
        # Graphs have a name, icons have none.
        return self.role in CONTROLS or self.role == Role.IMAGE and not NAMELESS.search(self.name)

    def is_shown(self):
        """Whether it and all around it have a size: what is folded away has none."""
        try:
            return all(all(each.node.place()[2:]) for each in self.ancestors())
        except Gone:
            return False

    def is_list(self):
        return self.name in LISTS and self.role in [Role.LIST, Role.TREE_TABLE]

    def is_reached(self, reached):
        """Whether it has been reached, or a part of the list that it is in."""
        lists = [each for each in self.ancestors() if each.is_list()]
        return any(each.path in reached for top in lists[:1] or [self] for each in top.descendants())


class Reach(Case):
    def setUp(self):
        root = os.path.abspath(FIXTURE)
        self.one = self.user(service_arguments=f" --rootfs {root} --procfs {root}/proc --sysfs {root}/sys")
        self.focused = self.desktop.accessibility.focused

    def start(self, page):
        """The monitor at a page, with a board."""
        board = "[board]\nmetrics=cpu/all/usage;memory/physical/used;\n"
        self.one.settings(f"[window]\nwidth=1000\nheight=700\npage={page}\n{board}")
        self.monitor = self.one.monitor()

    def dialog(self, name):
        """A dialog with such a widget, once it has the focus."""
        def found():
            try:
                dialogs = [each for each in self.monitor.windows() if each.path != self.monitor.window.path and each.has(State.ACTIVE)]
                return next((each for each in dialogs if any(node.name == name for node in each.descendants())), None)
            except Gone:
                return None
        return until(found, lambda: f"a dialog with {name!r}:\n{self.paths()}")

    def check_dialog(self, what, name, *keys):
        """Goes around in a dialog that keys open. Escape closes it, and the focus is back at its place."""
        self.focused.clear()
        self.monitor.keys("Tab")
        until(lambda: self.focused, "the focus")
        before = self.focused[-1]
        self.monitor.keys(*keys)
        self.check(self.dialog(name), what)
        self.focused.clear()
        self.desktop.key("Escape")
        until(lambda: self.focused[-1:] == [before] and len(self.monitor.windows()) == 1,
              lambda: f"the focus at {before}, not {self.focused}:\n{self.paths()}")

    def test_the_dialogs(self):
        self.start("board")
        self.monitor.page("Board")
        self.check_dialog("the preferences", "Interval", "ctrl+comma")
        self.check_dialog("the list of metrics", "Metrics", "ctrl+d")

    def test_the_pages(self):
        self.start("overview")
        for number, name in enumerate(PAGES):
            self.monitor.keys(*["ctrl+Next"] if number else [])
            self.monitor.page(name)
            self.check(self.monitor.window, name)

    def cycle(self, key):
        """The paths of the widgets that a key goes to, until it comes to one again."""
        self.focused.clear()
        pressed = 0
        while len(set(self.focused)) == len(self.focused):
            self.desktop.run("xdotool", "key", "--delay", "0", *[key] * AT_ONCE)
            pressed += AT_ONCE
            until(lambda: len(self.focused) >= pressed, lambda: f"{key} to go on from {self.focused[-1:]}:\n{self.paths()}")
        again = next(place for place, path in enumerate(self.focused) if path in self.focused[:place])
        return self.focused[self.focused.index(self.focused[again]):again]

    def paths(self):
        """All widgets, for the message of a failed test."""
        return "\n".join(f"{path} {each}" for window in self.monitor.windows() for path, each in self.widgets(window).items())

    def widgets(self, window):
        """The widgets of a window by their paths."""
        return {widget.path: widget for widget in Widget(window).descendants()}

    def faults(self, widgets, reached):
        """The controls that have not been reached, and those without a name."""
        missing = [each for each in widgets.values() if each.is_control() and not each.is_reached(reached) and each.is_shown()]
        found = [widgets[path] for path in reached if path in widgets]
        nameless = [each for each in found if each.role in NAMED and NAMELESS.search(each.name)]
        return [f"{each} is not reached" for each in missing] + [f"{each} has no name" for each in nameless]

    def check(self, window, what):
        """Goes around a window in both directions. What is made bit by bit is there in a later round."""
        faults = {}
        def is_whole():
            rounds = {key: set(self.cycle(key)) for key in ["Tab", "shift+Tab"]}
            widgets = self.widgets(window)
            faults.update((key, self.faults(widgets, reached)) for key, reached in rounds.items())
            return not any(faults.values())
        until(is_whole, lambda: f"{what}: {faults}")
