"""What the window does with the service, and with its absence."""

import os
import re
import signal

from case import Case
from monitor import has_value
from waiting import until


def readings(description):
    """The number of readings that a chart shows."""
    match = re.search(r"(\d+) readings?", description)
    return int(match[1]) if match else 0


def gaps(monitor, page):
    """The descriptions of the charts of a page that have a gap, once there is one."""
    def found():
        return [text for text in monitor.charts(page).values() if re.search(r"[1-9]\d* gaps?", text)]
    return until(found, lambda: f"a chart with a gap: {monitor.tree()}")


class Service(Case):
    def sampling(self):
        """A user, the monitor with a few readings on its first page, the page, and the service."""
        user = self.user()
        monitor = user.monitor()
        service = user.wait_for_service()
        until(lambda: user.sessions(monitor.pid), "a session of the monitor")
        page = monitor.page("Overview")
        until(lambda: any(readings(text) >= 2 for text in monitor.charts(page).values()), lambda: f"readings: {monitor.tree()}")
        return user, monitor, page, service

    def test_pause_ends_the_session(self):
        user = self.user()
        monitor = user.monitor()
        service = user.wait_for_service()
        until(lambda: user.sessions(monitor.pid), "a session of the monitor")
        monitor.wait_for_status("running")
        monitor.press("Pause")
        until(lambda: not user.sessions(monitor.pid), "no session of the monitor")
        # Nobody else asks for anything.
        user.wait_until_gone(service)
        monitor.wait_for_status("has left")
        monitor.press("Resume")
        until(lambda: user.sessions(monitor.pid), "a session of the monitor again")
        monitor.wait_for_status("running")
        monitor.keys("ctrl+p")
        until(lambda: not user.sessions(monitor.pid), "no session of the monitor")
        monitor.button("Resume")

    def test_pause_with_another_client(self):
        user = self.user()
        other = user.start(self.installation.sampled, "watch", "cpu/all/usage", "--csv")
        until(lambda: user.service() and user.sessions(other.pid), "a session of the other client")
        monitor = user.monitor()
        until(lambda: user.sessions(monitor.pid), "a session of the monitor")
        monitor.press("Pause")
        until(lambda: not user.sessions(monitor.pid), "no session of the monitor")
        monitor.wait_for_status("paused")
        self.assertEqual(len(user.sessions(other.pid)), 1)

    def test_closing_lets_the_service_go(self):
        user = self.user()
        monitor = user.monitor()
        service = user.wait_for_service()
        until(lambda: user.sessions(monitor.pid), "a session of the monitor")
        monitor.keys("ctrl+w")
        self.assertEqual(monitor.exit(), 0, monitor.said())
        user.wait_until_gone(service)

    def test_a_killed_service_is_started_again(self):
        user, monitor, page, first = self.sampling()
        os.kill(first, signal.SIGKILL)
        second = user.wait_for_service(other_than=first)
        self.assertNotEqual(first, second)
        until(lambda: user.sessions(monitor.pid), "a session with the new service")
        monitor.wait_for_status("restarted")
        until(lambda: any(has_value(text) for text in gaps(monitor, page)), "values after the gap")

    def test_a_service_that_hangs_is_named(self):
        user, monitor, page, service = self.sampling()
        os.kill(service, signal.SIGSTOP)
        self.addCleanup(os.kill, service, signal.SIGCONT)
        monitor.wait_for_status("does not answer")
        os.kill(service, signal.SIGCONT)
        monitor.wait_for_status("is running")
        gaps(monitor, page)
        self.assertEqual(user.wait_for_service(), service)

    def test_graphs_are_full_when_the_window_opens(self):
        user = self.user()
        other = user.start(self.installation.sampled, "watch", "cpu", "memory", "--interval", "250ms", "--csv")
        until(lambda: user.service() and any(session["frames"] >= 20 for session in user.sessions(other.pid)), "twenty frames")
        monitor = user.monitor()
        page = monitor.page("Overview")
        charts = until(lambda: monitor.charts(page), "charts")
        full = until(lambda: [name for name, text in monitor.charts(page).items() if readings(text) >= 15], lambda: str(charts))
        # So many frames of its own the monitor cannot have had yet.
        own = max((session["frames"] for session in user.sessions(monitor.pid)), default=0)
        self.assertLess(own, 10, full)

    def test_a_bus_without_the_service(self):
        user = self.user(with_service=False)
        monitor = user.monitor()
        monitor.words("sampled install")
        monitor.keys("ctrl+w")
        self.assertEqual(monitor.exit(), 0, monitor.said())

    def test_no_bus(self):
        # Without a session bus, GTK 4.8 crashes when assistive technology asks it for anything.
        monitor = self.user().run_monitor(DBUS_SESSION_BUS_ADDRESS="unix:path=/nonexistent", GTK_A11Y="none")
        self.desktop.run("xdotool", "windowfocus", "--sync", monitor.x_window())
        self.desktop.key("ctrl+w")
        self.assertEqual(monitor.exit(), 0, monitor.said())
