"""A display with a window manager and an accessibility bus, for all tests of a run."""

import os
import subprocess
import tempfile

from gi.repository import Gio, GLib

from accessibility import Accessibility
from processes import end, first_line, need, start

BUS = """<busconfig><type>session</type><listen>unix:dir={directory}</listen><auth>EXTERNAL</auth>
<servicedir>{services}</servicedir><policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"""


def session_bus(directory, services, environment):
    """A session bus that can activate what is in `services` and nothing else: the process and its address."""
    config = os.path.join(directory, "bus.conf")
    with open(config, "w") as file:
        file.write(BUS.format(directory=directory, services=services))
    with open(os.path.join(directory, "bus.log"), "w") as log:
        bus = start(need("dbus-daemon", "dbus-daemon"), f"--config-file={config}", "--nofork", "--print-address=1",
                    env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
    return bus, first_line(bus)


class Desktop:
    """Xvfb, openbox and the accessibility bus of at-spi2-core."""

    def __init__(self, width=1280, height=1000):
        self.directory = tempfile.TemporaryDirectory(prefix="sampled-window-")
        self.processes = []
        path = self.directory.name
        runtime = os.path.join(path, "run")
        os.mkdir(runtime, 0o700)
        base = {"PATH": os.environ["PATH"], "HOME": path, "XDG_RUNTIME_DIR": runtime, "LC_ALL": "C.UTF-8"}

        ready, write = os.pipe()
        display = self._start("Xvfb", "xvfb", "-displayfd", write, "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp",
                              "-noreset", env=base, pass_fds=[write])
        os.close(write)
        with os.fdopen(ready) as pipe:
            number = pipe.readline().strip()
        assert number, f"Xvfb has ended with {display.wait()}: {self.log('Xvfb')}"
        self.environment = base | {"DISPLAY": f":{number}"}
        self._start("openbox", "openbox", "--sm-disable", env=self.environment)

        launcher = need("/usr/libexec/at-spi-bus-launcher", "at-spi2-core")
        with open(os.path.join(path, "org.a11y.Bus.service"), "w") as file:
            file.write(f"[D-BUS Service]\nName=org.a11y.Bus\nExec={launcher}\n")
        bus, address = session_bus(path, path, self.environment)
        self.processes.append(bus)
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        self.connection = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
        reply = self.connection.call_sync("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress", None,
                                          GLib.VariantType("(s)"), Gio.DBusCallFlags.NONE, 20000, None)
        # The monitor of each user finds the accessibility bus by this.
        self.environment["AT_SPI_BUS_ADDRESS"], = reply.unpack()
        self.accessibility = Accessibility(self.environment["AT_SPI_BUS_ADDRESS"])

    def _start(self, program, package, *arguments, **options):
        with open(self._log_path(program), "w") as log:
            process = start(need(program, package), *arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)
        self.processes.append(process)
        return process

    def _log_path(self, program):
        return os.path.join(self.directory.name, f"{program}.log")

    def log(self, program):
        """What a program has written."""
        with open(self._log_path(program)) as file:
            return file.read()

    def run(self, *arguments):
        """What a program prints that acts on the display."""
        return subprocess.run(list(map(str, arguments)), env=self.environment, check=True, capture_output=True, text=True).stdout

    def key(self, keys):
        """Presses keys in the focused window, such as ctrl+p."""
        self.run(need("xdotool", "xdotool"), "key", "--clearmodifiers", keys)

    def write(self, text):
        """Types a text."""
        self.run("xdotool", "type", "--clearmodifiers", text)

    def close(self):
        """Ends all of it."""
        for process in reversed(self.processes):
            end(process)
        self.directory.cleanup()
