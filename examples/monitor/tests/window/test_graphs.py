"""Graphs: the past, the cursor of time, the board and thresholds."""

import re

from gi.repository import Gio, GLib

from accessibility import Role
from case import Case
from monitor import values_in
from test_service import readings
from waiting import until

NOTIFICATIONS = """<node><interface name="org.freedesktop.Notifications"><method name="Notify">
<arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/><arg type="as" direction="in"/><arg type="a{sv}" direction="in"/><arg type="i" direction="in"/>
<arg type="u" direction="out"/></method></interface></node>"""


class Graphs(Case):
    def graph(self, monitor, name):
        """A graph of the overview."""
        return monitor.find(Role.IMAGE, re.compile(f"^{name}"), monitor.page("Overview"))

    def wait_for_reading(self, monitor, name):
        """Waits for a value that the dialog of a threshold begins with."""
        graph = self.graph(monitor, name)
        until(lambda: readings(graph.description), "a reading")

    def test_the_past(self):
        user = self.user()
        user.settings("[sampling]\nspan-s=30\n")
        other = user.start(self.installation.sampled, "watch", "cpu", "--interval", "250ms", "--csv")
        until(lambda: user.service() and any(session["frames"] >= 30 for session in user.sessions(other.pid)), "thirty frames")
        monitor = user.monitor()
        graph = self.graph(monitor, "Processor")
        until(lambda: readings(graph.description) > 10, "readings")
        monitor.button("30 seconds")
        monitor.click(graph)
        # Closer, until less than the past is in view.
        monitor.keys(*["plus"] * 10)
        monitor.button("5 seconds")
        self.assertEqual(monitor.all(Role.BUTTON, re.compile("Back to")), [])
        monitor.keys("Left")
        back = monitor.button(re.compile("Back to"))
        # It stays where it is while frames arrive.
        frames = max(session["frames"] for session in user.sessions(monitor.pid))
        past = graph.description
        until(lambda: max(session["frames"] for session in user.sessions(monitor.pid)) >= frames + 2, "two frames")
        self.assertEqual(readings(graph.description), readings(past))
        self.assertTrue(back.act())
        until(lambda: not monitor.all(Role.BUTTON, re.compile("Back to")), "the end of the past")
        monitor.keys("minus")
        monitor.button("7 seconds")

    def test_the_cursor_is_that_of_all_graphs(self):
        monitor = self.user().monitor()
        graphs = [self.graph(monitor, name) for name in ["Processor", "Memory"]]
        until(lambda: all(readings(graph.description) >= 2 for graph in graphs), "readings")
        time = re.compile(r"^\d\d:\d\d:\d\d: ")
        self.assertFalse(any(time.match(graph.description) for graph in graphs))
        monitor.point_at(graphs[0])
        def times():
            found = {time.match(graph.description) for graph in graphs}
            return None not in found and {match[0] for match in found}
        self.assertEqual(len(until(times, "the time at the cursor")), 1)
        monitor.click(graphs[1])
        monitor.keys("Escape")
        until(lambda: not any(time.match(graph.description) for graph in graphs), "no cursor")
        monitor.keys("ctrl+Left")
        until(times, "the cursor of the keys")

    def test_a_graph_is_pinned_to_the_board(self):
        user = self.user()
        monitor = user.monitor()
        self.graph(monitor, "Memory")
        monitor.choose("More for Memory", "Pin to Board")
        until(lambda: "metrics=memory/physical/used;" in user.saved(), user.saved)
        page = monitor.open_page("Board")
        until(lambda: any(readings(words) for words in monitor.charts(page).values()), "readings on the board")
        monitor.choose(re.compile("^More for .*Used"), "Remove from Board")
        monitor.words("An Empty Board")
        until(lambda: "metrics=;" in user.saved() or "metrics=\n" in user.saved(), user.saved)

    def test_a_threshold_is_set(self):
        user = self.user()
        monitor = user.monitor()
        self.wait_for_reading(monitor, "Memory")
        monitor.choose("More for Memory", re.compile("^Notify When"))
        monitor.press(re.compile("Set$"))
        until(lambda: re.search("thresholds=memory/physical/used above [1-9]", user.saved()), user.saved)
        until(lambda: any("threshold" in session for session in user.sessions(monitor.pid)), "a watch")
        monitor.choose("More for Memory", re.compile("^Notify When"))
        monitor.press(re.compile("Remove Threshold$"))
        until(lambda: "thresholds=\n" in user.saved(), user.saved)
        until(lambda: not any("threshold" in session for session in user.sessions(monitor.pid)), "no watch")

    def test_a_threshold_is_refused(self):
        user = self.user()
        limits = "[limits.total]\nsessions = {}\n"
        user.write("config/sampled/config.toml", limits.format(1))
        monitor = user.monitor()
        self.wait_for_reading(monitor, "Memory")
        monitor.choose("More for Memory", re.compile("^Notify When"))
        monitor.press(re.compile("Set$"))
        words = "^A threshold is not watched: .*sessions"
        monitor.words(words)
        user.write("config/sampled/config.toml", limits.format(8))
        user.call("Reload", "()", ())
        until(lambda: any("threshold" in session for session in user.sessions(monitor.pid)), "a watch")
        until(lambda: not monitor.all(Role.LABEL, re.compile(words)), lambda: f"no such words:\n{monitor.tree()}")

    def test_a_crossing_is_notified(self):
        user = self.user()
        told = []
        def notify(_bus, _sender, _path, _interface, _method, arguments, invocation):
            told.append(arguments.unpack()[3:5])
            invocation.return_value(GLib.Variant("(u)", (len(told),)))
        node = Gio.DBusNodeInfo.new_for_xml(NOTIFICATIONS)
        user.connection.register_object("/org/freedesktop/Notifications", node.interfaces[0], notify, None, None)
        Gio.bus_own_name_on_connection(user.connection, "org.freedesktop.Notifications", Gio.BusNameOwnerFlags.NONE, None, None)
        user.settings("[board]\nthresholds=memory/physical/used above 1048576;cpu/all/usage above 100000;\n")
        monitor = user.monitor()
        until(lambda: told, "a notification")
        monitor.page("Overview")
        (title, body), = told
        # The marks around values are for mixed directions of writing.
        self.assertRegex(title, "^.*Used is above \u20661.0\N{NO-BREAK SPACE}MiB\u2069$")
        self.assertRegex(body, "^It is \u2066[1-9].*\u2069 now.$")
