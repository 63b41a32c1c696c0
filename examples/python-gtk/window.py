#!/usr/bin/env python3
"""A window that draws the processor's usage of the last minute. Debian: python3-gi, gir1.2-gtk-4.0.

    python3 window.py

It samples while it is shown and its switch is on. All calls are asynchronous: the window never waits for the service.
"""
import math
import sys

import gi

for library, version in ("Gtk", "4.0"), ("Gdk", "4.0"), ("Graphene", "1.0"):
    gi.require_version(library, version)
from gi.repository import Gdk, Gio, GLib, Graphene, Gtk  # noqa: E402

NAME, PATH = "io.github.sampled.Sampler1", "/io/github/sampled/Sampler1"
METRIC, INTERVAL, FRAMES = "cpu/all/usage", 1_000_000, 60


class Graph(Gtk.Widget):
    """A column for each frame; none for a frame without a value."""

    def __init__(self):
        super().__init__(hexpand=True, vexpand=True)
        self.values = []

    def add(self, value):
        self.values = (self.values + [value])[-FRAMES:]
        self.queue_draw()

    def do_snapshot(self, snapshot):
        width, height = self.get_width() / FRAMES, self.get_height()
        color = Gdk.RGBA()
        color.parse("#3584e4")
        for place, value in enumerate(self.values, FRAMES - len(self.values)):
            if not math.isnan(value):
                column = Graphene.Rect().init(place * width, height * (1 - value / 100), width - 1, height * value / 100)
                snapshot.append_color(color, column)


class Window(Gtk.ApplicationWindow):
    def __init__(self, application):
        super().__init__(application=application, title="Processor", default_width=480, default_height=240)
        self.session, self.is_starting, self.early = None, False, []
        self.switch = Gtk.Switch(active=True, valign=Gtk.Align.CENTER, tooltip_text="Sample")
        self.switch.connect("notify::active", lambda *_: self.follow())
        header = Gtk.HeaderBar()
        header.pack_start(self.switch)
        self.set_titlebar(header)
        self.graph = Graph()
        self.set_child(self.graph)
        for signal in "map", "unmap":
            self.connect_after(signal, lambda *_: self.follow())
        flags = Gio.DBusProxyFlags.DO_NOT_LOAD_PROPERTIES | Gio.DBusProxyFlags.DO_NOT_AUTO_START_AT_CONSTRUCTION
        self.sampler = Gio.DBusProxy.new_for_bus_sync(Gio.BusType.SESSION, flags, None, NAME, PATH, NAME, None)
        self.sampler.connect("g-signal", self.on_signal)
        self.sampler.connect("notify::g-name-owner", self.on_owner)

    def follow(self):
        """Starts or stops the acquisition, as the window and its switch are."""
        is_wanted = self.switch.get_active() and self.get_mapped()
        if is_wanted and self.session is None and not self.is_starting:
            self.is_starting, self.early = True, []
            options = {"label": GLib.Variant("s", "python-gtk"), "history": GLib.Variant("t", FRAMES * INTERVAL)}
            self.call("Start", GLib.Variant("(asta{sv})", ([METRIC], INTERVAL, options)), self.on_started)
        elif not is_wanted and self.session is not None:
            self.call("Stop", GLib.Variant("(u)", (self.session,)), lambda _: None)
            self.session = None
            self.set_title("Paused")

    def call(self, method, arguments, then):
        def finish(sampler, result):
            try:
                then(sampler.call_finish(result))
            except GLib.Error as error:
                self.is_starting = False
                self.set_title(error.message)

        self.sampler.call(method, arguments, Gio.DBusCallFlags.NONE, -1, None, finish)

    def on_started(self, reply):
        self.is_starting = False
        self.session, _columns = reply.unpack()
        for name, arguments in self.early:
            self.on_signal(None, None, name, arguments)
        self.follow()  # The switch may be off again.

    def on_signal(self, _sampler, _sender, name, arguments):
        if self.is_starting:  # The reply tells which signals are ours.
            self.early.append((name, arguments))
            return
        number, *arguments = arguments.unpack()
        if number != self.session:
            return
        if name == "Sampled":
            _timestamp, [value] = arguments
            self.graph.add(value)
            if not math.isnan(value):
                self.set_title(f"Processor {value:.0f} %")
        elif name == "Ended":
            self.session = None
            self.set_title(f"The session has ended: {arguments[0]}")

    def on_owner(self, *_):
        if self.sampler.get_name_owner() is None and self.session is not None:
            self.session = None  # The service has gone, and its sessions with it.
            self.graph.add(math.nan)
            self.follow()


application = Gtk.Application()
application.connect("activate", lambda application: Window(application).present())
sys.exit(application.run())
