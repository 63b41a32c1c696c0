"""AT-SPI, the protocol between programs and assistive technology, over GDBus.

libatspi and pyatspi have caches of their own, and crash on a program that begins or ends while they look at it.
"""

import enum

from gi.repository import Gio, GLib

ACCESSIBLE = "org.a11y.atspi.Accessible"
REGISTRY = "org.a11y.atspi.Registry"
# A program that does not answer for so long hangs.
LONGEST = 10000


class Role(enum.IntEnum):
    """The roles that the tests look for, with the numbers of AtspiRole."""

    CHECK_BOX = 7
    COMBO_BOX = 11
    FRAME = 23
    IMAGE = 27
    LABEL = 29
    LIST = 31
    LIST_ITEM = 32
    MENU_ITEM = 35
    PANEL = 39
    BUTTON = 43
    SCROLL_PANE = 49
    STATUS_BAR = 54
    TABLE = 55
    TEXT = 61
    TOGGLE_BUTTON = 62
    TREE_TABLE = 66
    ENTRY = 79


class State(enum.IntEnum):
    """States, with the numbers of AtspiStateType."""

    ACTIVE = 1
    FOCUSABLE = 11
    FOCUSED = 12
    SELECTED = 23
    SENSITIVE = 24


class Gone(Exception):
    """The widget or its program is no longer there."""


class Node:
    """A widget of a program."""

    def __init__(self, connection, reference):
        self.connection = connection
        self.bus_name, self.path = reference

    def _call(self, interface, method, arguments=None):
        try:
            reply = self.connection.call_sync(self.bus_name, self.path, interface, method, arguments, None,
                                              Gio.DBusCallFlags.NO_AUTO_START, LONGEST, None)
        except GLib.Error as error:
            if error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT):
                raise AssertionError(f"the window did not answer {method} within {LONGEST} ms") from error
            raise Gone(f"{method} of {self.path}: {error.message}") from error
        return reply.unpack()

    def _property(self, name):
        arguments = GLib.Variant("(ss)", (ACCESSIBLE, name))
        return self._call("org.freedesktop.DBus.Properties", "Get", arguments)[0]

    @property
    def name(self):
        """The accessible name; of a label, its text."""
        return self._property("Name")

    @property
    def description(self):
        """The accessible description."""
        return self._property("Description")

    @property
    def role(self):
        """The number of its role."""
        return self._call(ACCESSIBLE, "GetRole")[0]

    def has(self, state):
        """Whether it is in a state."""
        return bool(self.states() >> state & 1)

    def place(self):
        """Its left and upper edge in the window, its width and its height, in pixels."""
        of_window = GLib.Variant("(u)", (1,))
        return self._call("org.a11y.atspi.Component", "GetExtents", of_window)[0]

    def width(self):
        """Its width in pixels."""
        return self.place()[2]

    def states(self):
        """A bit for each of its states."""
        low, high = self._call(ACCESSIBLE, "GetState")[0]
        return high << 32 | low

    def act(self):
        """Does what a click does."""
        return self._call("org.a11y.atspi.Action", "DoAction", GLib.Variant("(i)", (0,)))[0]

    def children(self):
        """Its children."""
        references, = self._call(ACCESSIBLE, "GetChildren")
        return [Node(self.connection, reference) for reference in references]

    def descendants(self):
        """It and all below it, from top to bottom, but what goes away meanwhile: in a table, something always does."""
        yield self
        try:
            children = self.children()
        except Gone:
            return
        for child in children:
            yield from child.descendants()

    def tree(self, depth=0):
        """All of it as text, for the messages of failed tests."""
        try:
            role = self.role
            words = Role(role).name if role in list(Role) else f"role {role}"
            lines = [f"{'  ' * depth}{words} {self.name!r} {self.description!r}"]
            return "\n".join(lines + [child.tree(depth + 1) for child in self.children()])
        except Gone as gone:
            return f"{'  ' * depth}{gone}"


class Accessibility:
    """The accessibility bus."""

    def __init__(self, address):
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        self.connection = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
        # The widgets that have got the focus, by their paths.
        self.focused = []
        # Each event wakes what waits.
        for interface in ["org.a11y.atspi.Event.Object", "org.a11y.atspi.Event.Window"]:
            self.connection.signal_subscribe(None, interface, None, None, None, Gio.DBusSignalFlags.NONE, self._note)
        for event in ["object:", "window:"]:
            self._call(REGISTRY, "/org/a11y/atspi/registry", REGISTRY, "RegisterEvent", GLib.Variant("(sass)", (event, [], "")))

    def _call(self, name, path, interface, method, arguments):
        return self.connection.call_sync(name, path, interface, method, arguments, None, Gio.DBusCallFlags.NONE, LONGEST, None)

    def _note(self, _connection, _sender, path, _interface, event, arguments):
        if event == "StateChanged" and arguments.unpack()[:2] == ("focused", 1):
            self.focused.append(path)

    def windows(self, pid):
        """The windows of a process; none before it has told the accessibility bus of itself."""
        desktop = Node(self.connection, (REGISTRY, "/org/a11y/atspi/accessible/root"))
        windows = []
        for application in desktop.children():
            try:
                if self._pid(application) == pid:
                    windows += application.children()
            except (Gone, GLib.Error):
                # It has just ended.
                pass
        return windows

    def _pid(self, application):
        bus = "org.freedesktop.DBus"
        name = GLib.Variant("(s)", (application.bus_name,))
        return self._call(bus, "/org/freedesktop/DBus", bus, "GetConnectionUnixProcessID", name).unpack()[0]
