"""The end of the program from outside: its settings are not lost."""

import signal

from case import Case
from processes import end
from waiting import until


class End(Case):
    def monitor_at_memory(self, user):
        """A monitor that shows another page than at its start."""
        monitor = user.monitor()
        until(lambda: user.sessions(monitor.pid), "a session of the monitor")
        monitor.keys("alt+3")
        monitor.page("Memory")
        return monitor

    def test_the_bus_ends(self):
        user = self.user()
        monitor = self.monitor_at_memory(user)
        end(user.bus)
        self.assertEqual(monitor.exit(), 1, monitor.said())
        self.assertEqual(monitor.said(), "sampled-monitor: the session bus has ended\n")
        self.assertIn("page=memory\n", user.saved())
        until(user.connection.is_closed, "the end of the connection")

    def test_the_session_asks_it_to_end(self):
        user = self.user()
        monitor = self.monitor_at_memory(user)
        service = user.service()
        monitor.process.send_signal(signal.SIGTERM)
        self.assertEqual((monitor.exit(), monitor.said()), (0, ""))
        self.assertIn("page=memory\n", user.saved())
        user.wait_until_gone(service)

    def test_it_is_killed(self):
        user = self.user()
        monitor = self.monitor_at_memory(user)
        until(lambda: "page=memory\n" in user.saved(), "the page is saved")
        end(monitor.process)
