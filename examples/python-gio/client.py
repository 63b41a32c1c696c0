#!/usr/bin/env python3
"""A client of sampled in Python with GDBus. Debian: python3-gi.

    python3 client.py

Its calls block, as a program of the command line may. A program with windows makes them as ../gjs does.
"""
import math
import signal
import sys

from gi.repository import Gio, GLib

NAME, PATH = "io.github.sampled.Sampler1", "/io/github/sampled/Sampler1"
METRICS = ["cpu/all/usage", "room/desk/temperature", "memory/physical/used", "os/kernel/name"]
FRAMES = 5


class Client:
    def __init__(self):
        self.units = {}
        self.session, self.columns, self.texts, self.faults = None, [], {}, {}
        self.frames = 0
        self.failed = False
        self.loop = GLib.MainLoop()
        # With these flags the proxy makes no call of its own, neither for properties nor to start the service.
        flags = Gio.DBusProxyFlags.DO_NOT_LOAD_PROPERTIES | Gio.DBusProxyFlags.DO_NOT_AUTO_START_AT_CONSTRUCTION
        self.sampler = Gio.DBusProxy.new_for_bus_sync(Gio.BusType.SESSION, flags, None, NAME, PATH, NAME, None)
        self.sampler.connect("g-signal", self.on_signal)
        self.sampler.get_connection().signal_subscribe(
            "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", "/org/freedesktop/DBus", NAME,
            Gio.DBusSignalFlags.NONE, self.on_owner_changed)
        for number in signal.SIGINT, signal.SIGTERM:
            GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, self.stop)

    def run(self):
        for id, metric in self.sampler.List("(as)", ["cpu/all", "memory/physical/used"]).items():
            self.units[id] = metric["unit"]
            print(f"metric {id}: {metric['name']} [{metric['unit']}], {metric['group']}")
        # A new service needs two reads, 200 ms apart, for a rate: within 100 ms there is the fault `timeout`.
        options = {"optional": GLib.Variant("b", True), "timeout": GLib.Variant("t", 100_000)}
        _, readings, faults = self.sampler.Sample("(asa{sv})", METRICS, options)
        for id in METRICS:
            if id in readings or id in faults:
                print(f"now: {self.show(id, readings.get(id, math.nan), {}, faults)}")
        self.start()
        self.loop.run()
        return self.failed

    def start(self):
        self.session = None
        options = {"label": GLib.Variant("s", "python-gio"), "optional": GLib.Variant("b", True)}
        try:
            self.session, _ = self.sampler.Start("(asta{sv})", METRICS, 1_000_000, options)
        except GLib.Error as error:
            # A service that ends while it is called loses its name: on_owner_changed starts anew.
            if Gio.DBusError.get_remote_error(error) not in (
                    "org.freedesktop.DBus.Error.NoReply", "io.github.sampled.Error.Stopping"):
                self.fail(error.message)

    def stop(self):
        try:
            if self.session is not None:
                self.sampler.Stop("(u)", self.session)
            print("stopped")
            self.loop.quit()
        except GLib.Error as error:  # as when the bus has gone, for which GDBus sends SIGTERM
            self.fail(error.message)

    def fail(self, message):
        print(message, file=sys.stderr)
        self.failed = True
        self.loop.quit()

    def on_signal(self, _sampler, _sender, name, arguments):
        handler = {"Changed": self.changed, "Sampled": self.sampled, "Ended": self.ended}.get(name)
        number, *arguments = arguments.unpack()
        if handler and number == self.session:  # and not a detached one, which all programs hear
            handler(*arguments)

    def changed(self, columns, texts, faults):
        if columns:
            self.columns, self.texts, self.faults = columns, {}, {}
            print("columns:", *columns)
        self.texts.update(texts)
        self.faults.update(faults)

    def sampled(self, _timestamp, values):
        self.frames += 1
        for id, value in zip(self.columns, values):
            print(f"frame {self.frames}: {self.show(id, value, self.texts, self.faults)}")
        if self.frames == FRAMES:
            self.stop()

    def show(self, id, value, texts, faults):
        if isinstance(value, str):
            return f"{id} = {value}"
        if not math.isnan(value):
            return f"{id} = {value:.1f} {self.units.get(id, '')}"
        return f"{id} = ({faults[id]})" if faults.get(id) else f"{id} = {texts.get(id, '(stale)')}"

    def ended(self, reason):
        if reason != "stopping":  # otherwise the owner of the name changes next
            self.fail(f"the session has ended: {reason}")

    def on_owner_changed(self, _bus, _sender, _path, _interface, _signal, arguments):
        _name, old, _new = arguments.unpack()
        if old:  # the service has gone, and its sessions with it
            print("the service has gone: starting again")
            self.start()


try:
    sys.exit(Client().run())
except GLib.Error as error:
    if error.matches(Gio.DBusError.quark(), Gio.DBusError.SERVICE_UNKNOWN):
        sys.exit(f"There is no {NAME} on this bus. Please install sampled.")
    sys.exit(error.message)
