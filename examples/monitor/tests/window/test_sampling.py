"""The page of those who sample."""

import re

from gi.repository import GLib

from accessibility import Role
from case import Case
from processes import end
from waiting import until


class Sampling(Case):
    def test_it_shows_who_samples(self):
        user = self.user()
        user.settings("[window]\npage=sampling\n")
        other = user.start(self.installation.sampled, "watch", "cpu/all/usage", "memory/physical/used", "--csv")
        until(lambda: user.service() and user.sessions(other.pid), "a session of the other client")
        monitor = user.monitor()
        page = monitor.page("Sampling")
        monitor.words(f"^sampled, process {other.pid}, every \u20661\N{NO-BREAK SPACE}s\u2069$", page)
        monitor.words("^2 metrics$", page)
        monitor.words(f"^{user.service()}$", page)
        monitor.words("^memory$", page)
        end(other)
        gone = re.compile(f"process {other.pid},")
        until(lambda: not monitor.all(Role.LABEL, gone, page), "the session of the other client is gone")

    def test_a_label_is_shown_as_it_is(self):
        user = self.user()
        user.settings("[window]\npage=sampling\n")
        label = "<b>&amp; 温度 مراقب\n"
        user.call("Start", "(asta{sv})", (["cpu/all/usage"], 1_000_000, {"label": GLib.Variant("s", label)}))
        monitor = user.monitor()
        monitor.words(f"^{re.escape(label.strip())} ?$", monitor.page("Sampling"))

    def test_a_minimized_window_lets_the_service_go(self):
        user = self.user()
        user.settings("[window]\npage=sampling\n")
        monitor = user.monitor()
        service = user.wait_for_service()
        monitor.words(f"^{service}$", monitor.page("Sampling"))
        monitor.minimize()
        user.wait_until_gone(service)
        self.assertEqual(user.sessions(monitor.pid), [])
