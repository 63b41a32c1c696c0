#!/usr/bin/python3
"""A service of another version, as there may be on a user's bus: an earlier one, or a later one.

It has what docs/interface.md allows of it: an earlier one lacks members, keys and options; a later one has more of all, and words
that nobody knows yet.
"""

import sys
import time

from gi.repository import Gio, GLib

NAME = "io.github.sampled.Sampler1"
PATH = "/io/github/sampled/Sampler1"
PREFIX = "io.github.sampled.Error."

EARLIER = """<node><interface name="io.github.sampled.Sampler1">
<method name="List"><arg type="as" direction="in"/><arg type="a{sa{sv}}" direction="out"/></method>
<method name="Start"><arg type="as" direction="in"/><arg type="t" direction="in"/><arg type="a{sv}" direction="in"/>
<arg type="u" direction="out"/><arg type="as" direction="out"/></method>
<method name="Stop"><arg type="u" direction="in"/></method>
<method name="Sessions"><arg type="a{ua{sv}}" direction="out"/></method>
<property name="Version" type="s" access="read"/>
</interface></node>"""
LATER = EARLIER.replace("</interface>", """<method name="Sources"><arg type="a{sa{sv}}" direction="out"/></method>
<method name="Watch"><arg type="s" direction="in"/><arg type="d" direction="in"/><arg type="a{sv}" direction="in"/>
<arg type="u" direction="out"/></method>
</interface>""")

# Of both: what the first version had of each metric.
METRICS = {
    "cpu/all/usage": {"name": "Usage", "unit": "%", "kind": "rate", "minimum": 0.0, "maximum": 100.0},
    "memory/physical/used": {"name": "Used", "unit": "By", "kind": "gauge"},
}
# Of the later one: keys of other types, words and objects that are not known, and numbers of any size.
LATER_METRICS = {
    "cpu/all/usage": METRICS["cpu/all/usage"] | {"maximum": "unlimited", "precision": -3, "palette": ["red"], "object": "All processors"},
    "memory/physical/used": METRICS["memory/physical/used"] | {"minimum": float("nan"), "maximum": float("inf")},
    "disk/all/read": {"name": "Read", "unit": "furlong/fortnight", "kind": "histogram", "minimum": 7.0, "maximum": -7.0},
    "disk/all/write": {"name": "", "unit": "By/s", "kind": "rate"},
    "lmsensors/flux/charge": {"name": "Charge", "unit": "[gJ.W]", "kind": "vector", "object": "Flux <capacitor>", "group": "chronics"},
    "lmsensors/flux/mood": {"name": "Mood", "unit": "", "kind": "text", "object": "Flux <capacitor>", "group": "chronics"},
    "fusion": {"name": "An id of one segment"},
}


def variant(value):
    """A value as a variant."""
    types = {str: "s", int: "i", float: "d", bool: "b", list: "as"}
    return GLib.Variant(types[type(value)], value)


def variants(properties):
    """A dictionary as a{sv}."""
    return {key: variant(value) for key, value in properties.items()}


class Service:
    """The service on a bus."""

    def __init__(self, bus, is_later):
        self.bus = bus
        self.is_later = is_later
        self.metrics = LATER_METRICS if is_later else METRICS
        self.sessions = {}
        node = Gio.DBusNodeInfo.new_for_xml(LATER if is_later else EARLIER)
        bus.register_object(PATH, node.interfaces[0], self.called, lambda *property: GLib.Variant("s", "99.0" if is_later else "0.0.1"), None)

    def called(self, _bus, sender, _path, _interface, method, arguments, invocation):
        """Answers a call."""
        values = arguments.unpack()
        if method == "Watch":
            invocation.return_dbus_error(f"{PREFIX}Paradox", "not now" + ", nor then" * 10_000)
            return
        if method in ["List", "Start"]:
            unknown = [selector for selector in values[0] if not self.matching(selector)]
            # The earlier one knows no option `optional`.
            if unknown and not (self.is_later and "optional" in values[-1]):
                invocation.return_dbus_error(f"{PREFIX}UnknownMetric", f"no metric matches `{unknown[0]}`")
                return
            ids = [id for id in self.metrics if not values[0] or any(id in self.matching(selector) for selector in values[0])]
        if method == "List":
            reply = GLib.Variant("(a{sa{sv}})", ({id: variants(self.metrics[id]) for id in ids},))
        elif method == "Start":
            number = len(self.sessions) + 1
            label = values[2].get("label", "")
            self.sessions[number] = {"owner": variant(sender), "label": variant(label), "interval": GLib.Variant("t", values[1])}
            Gio.bus_watch_name_on_connection(self.bus, sender, Gio.BusNameWatcherFlags.NONE, None, lambda *gone: self.sessions.pop(number, None))
            reply = GLib.Variant("(uas)", (number, ids))
            GLib.idle_add(self.begin, number, sender, ids, values[1])
        elif method == "Sessions":
            more = variants({"mood": "calm", "interval": "always"}) if self.is_later else {}
            reply = GLib.Variant("(a{ua{sv}})", ({number: session | more for number, session in self.sessions.items()},))
        elif method == "Sources":
            reply = GLib.Variant("(a{sa{sv}})", ({"flux": variants({"state": "dreaming", "cost": "none"})},))
        else:
            self.sessions.pop(values[0], None)
            reply = None
        invocation.return_value(reply)

    def matching(self, selector):
        """The metrics of a selector, which is an id or a prefix here."""
        return [id for id in self.metrics if id == selector or id.startswith(f"{selector}/")]

    def begin(self, number, owner, ids, interval):
        """Sends the first frame, and others until the session is stopped."""
        texts = {"lmsensors/flux/mood": "excellent"} if self.is_later else {}
        faults = {"lmsensors/flux/charge": "paradox"} if self.is_later else {}
        self.signal(owner, "Changed", "(uasa{ss}a{ss})", (number, ids, texts, faults))
        self.frame(number, owner, ids, 0)
        GLib.timeout_add(interval // 1000, self.frame, number, owner, ids, 1)

    def frame(self, number, owner, ids, moment):
        """Sends a frame."""
        if number not in self.sessions:
            return GLib.SOURCE_REMOVE
        if self.is_later:
            self.signal(owner, "Foretold", "(us)", (number, "a signal that nobody knows"))
        known = {"cpu/all/usage": 12.0, "memory/physical/used": 2.0**30, "disk/all/read": 1e300, "disk/all/write": -1e300}
        values = [known.get(id, float("nan")) for id in ids]
        self.signal(owner, "Sampled", "(utad)", (number, time.time_ns() // 1000, values))
        return GLib.SOURCE_CONTINUE

    def signal(self, owner, name, types, values):
        self.bus.emit_signal(owner, PATH, NAME, name, GLib.Variant(types, values))


def main():
    loop = GLib.MainLoop()
    Gio.bus_own_name(Gio.BusType.SESSION, NAME, Gio.BusNameOwnerFlags.NONE,
                     lambda bus, name: Service(bus, sys.argv[1] == "later"), None, lambda bus, name: loop.quit())
    loop.run()


main()
