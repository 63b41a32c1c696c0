"""Users: a home, a session bus and what they run on it."""

import os
import re
import subprocess
import sys
import tempfile

from gi.repository import Gio, GLib

from desktop import session_bus
from monitor import Monitor
from processes import end, is_running, need, start
from waiting import until

NAME = "io.github.sampled.Sampler1"
PATH = "/io/github/sampled/Sampler1"
SETTINGS = "config/sampled-monitor/settings.ini"
BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")


class Installation:
    """The service and the monitor, installed below a prefix as by a user, for all tests of a run."""

    def __init__(self, directory, sampled, monitor):
        self.prefix = os.path.join(directory, "prefix")
        installer = os.path.join(os.path.dirname(__file__), "../../install")
        self._run(sampled, "install", "--no-systemd", "--prefix", self.prefix)
        self._run(installer, "--prefix", self.prefix, "--program", monitor)
        self.sampled = os.path.join(self.prefix, "bin/sampled")
        self.monitor = os.path.join(self.prefix, "bin/sampled-monitor")
        self.services = os.path.join(self.prefix, "share/dbus-1/services")

    def translate(self, language, messages):
        """Adds a translation of the monitor: these messages."""
        header = f'msgid ""\nmsgstr "Language: {language}\\nContent-Type: text/plain; charset=UTF-8\\n"\n'
        entries = [f'msgid "{message}"\nmsgstr "{translation}"\n' for message, translation in messages.items()]
        directory = os.path.join(self.prefix, "share/locale", language, "LC_MESSAGES")
        os.makedirs(directory, exist_ok=True)
        catalogue = os.path.join(directory, "sampled-monitor.mo")
        subprocess.run([need("msgfmt", "gettext"), "-o", catalogue, "-"], input="\n".join([header] + entries), text=True, check=True)

    @staticmethod
    def _run(*arguments):
        # There is no bus here that would have to read its files again.
        environment = {name: value for name, value in os.environ.items() if name != "DBUS_SESSION_BUS_ADDRESS"}
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"window: {' '.join(arguments)}: {done.stderr}")


class User:
    """A user at the desktop, for one test."""

    def __init__(self, desktop, installation, with_service=True, service_arguments=""):
        self.desktop = desktop
        self.installation = installation
        self.home = tempfile.TemporaryDirectory(prefix="sampled-window-user-")
        self.processes = []
        self.environment = desktop.environment | {"HOME": self.home.name, "GSK_RENDERER": "cairo", "GDK_BACKEND": "x11",
                                                  "GSETTINGS_BACKEND": "memory", "GTK_A11Y": "atspi"}
        for variable, name in [("RUNTIME_DIR", "run"), ("CONFIG_HOME", "config"), ("DATA_HOME", "data"), ("CACHE_HOME", "cache")]:
            directory = os.path.join(self.home.name, name)
            os.mkdir(directory, 0o700)
            self.environment[f"XDG_{variable}"] = directory
        self.environment["XDG_DATA_DIRS"] = f"{installation.prefix}/share:/usr/local/share:/usr/share"
        # A service without clients leaves after this time.
        self.write("config/sampled/config.toml", 'idle_timeout = "1s"\n')
        services = self.path("data/dbus-1/services")
        os.makedirs(services)
        if with_service:
            with open(os.path.join(installation.services, f"{NAME}.service")) as installed:
                activation = re.sub("^Exec=.*$", rf"\g<0>{service_arguments}", installed.read(), flags=re.MULTILINE)
            self.write(f"data/dbus-1/services/{NAME}.service", activation)
        self.bus, address = session_bus(self.environment["XDG_RUNTIME_DIR"], services, self.environment)
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = address
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        self.connection = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
        self.observers = []
        self.owners = []
        self.connection.signal_subscribe(BUS[0], BUS[2], "NameOwnerChanged", None, NAME, Gio.DBusSignalFlags.NONE,
                                         lambda *signal: self.owners.append(signal[5].unpack()[2]))

    def path(self, name):
        """A path below the home."""
        return os.path.join(self.home.name, name)

    def write(self, name, text):
        """Writes a file below the home."""
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(text)

    def settings(self, text):
        """Writes the settings of the monitor."""
        self.write(SETTINGS, text)

    def saved(self):
        """The settings of the monitor, as saved; empty before that."""
        try:
            with open(self.path(SETTINGS)) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def monitor(self, **environment):
        """Starts the monitor and waits for its window."""
        monitor = self.run_monitor(**environment)
        monitor.appear()
        return monitor

    def run_monitor(self, *arguments, **environment):
        """Starts the monitor with arguments, and with other variables of the environment; None takes one away."""
        changed = {name: value for name, value in (self.environment | environment).items() if value is not None}
        monitor = Monitor(self.desktop, self.installation.monitor, changed, arguments)
        self.processes.append(monitor.process)
        return monitor

    def start(self, *arguments):
        """Starts another program of this user."""
        process = start(*arguments, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def _call(self, target, method, arguments=None, reply=None):
        # A question must not start the service.
        value = self.connection.call_sync(*target, method, arguments, reply and GLib.VariantType(reply),
                                          Gio.DBusCallFlags.NO_AUTO_START, 20000, None)
        return value.unpack()

    def call(self, method, signature, arguments):
        """Calls the service from this program; the bus starts it if need be. Sessions that it starts are this program's."""
        return self.connection.call_sync(NAME, PATH, NAME, method, GLib.Variant(signature, arguments), None,
                                         Gio.DBusCallFlags.NONE, 20000, None).unpack()

    def calls(self, method):
        """The calls of a method of the service, as the bus sees them from now on."""
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        connection = Gio.DBusConnection.new_for_address_sync(self.environment["DBUS_SESSION_BUS_ADDRESS"], flags, None, None)
        calls = []
        def seen(_connection, message, is_incoming):
            if is_incoming and (message.get_interface(), message.get_member()) == (NAME, method):
                calls.append(message)
                return None
            return message
        connection.add_filter(seen)
        rule = f"type='method_call',interface='{NAME}',member='{method}',eavesdrop='true'"
        connection.call_sync(*BUS, "AddMatch", GLib.Variant("(s)", (rule,)), None, Gio.DBusCallFlags.NONE, 20000, None)
        self.observers.append(connection)
        return calls

    def service(self):
        """The pid of the service, or None: nobody owns its name."""
        return self.pid_of(NAME)

    def pid_of(self, name):
        """The pid behind a name, or None: nobody owns it."""
        try:
            return self._call(BUS, "GetConnectionUnixProcessID", GLib.Variant("(s)", (name,)), "(u)")[0]
        except GLib.Error as error:
            if Gio.DBusError.get_remote_error(error) != "org.freedesktop.DBus.Error.NameHasNoOwner":
                raise
            return None

    def sessions(self, pid):
        """The sessions of a process, as the service tells them."""
        if self.service() is None:
            return []
        try:
            sessions, = self._call((NAME, PATH, NAME), "Sessions", None, "(a{ua{sv}})")
        except GLib.Error:
            # It has just left.
            return []
        return [session for session in sessions.values() if self.pid_of(session["owner"]) == pid]

    def wait_for_service(self, other_than=None):
        """The pid of the service, once there is one."""
        return until(lambda: (pid := self.service()) != other_than and pid, "a service")

    def wait_until_gone(self, pid):
        """The service has released its name and exited."""
        until(lambda: "" in self.owners and self.service() is None, "the end of the service")
        until(lambda: not is_running(pid), f"the exit of process {pid}")

    def leave(self):
        """Ends whatever runs."""
        service = self.service() if not self.connection.is_closed() else None
        for observer in self.observers:
            if not observer.is_closed():
                observer.close_sync(None)
        for process in reversed(self.processes):
            end(process)
        if not self.connection.is_closed():
            self.connection.close_sync(None)
        end(self.bus)
        self.bus.stdout.close()
        # The service exits when its bus does.
        if service:
            until(lambda: not is_running(service), f"the exit of the service, process {service}")
        self.home.cleanup()
