"""The settings file."""

import glob

from case import Case
from waiting import until


class Settings(Case):
    def test_a_broken_file_is_kept_aside(self):
        user = self.user()
        broken = "[window\nwidth=a million\n\x01"
        user.settings(broken)
        monitor = user.monitor()
        monitor.page("Overview")
        self.assertIn("settings.ini", monitor.said())
        monitor.keys("ctrl+w")
        self.assertEqual(monitor.exit(), 0, monitor.said())
        kept = glob.glob(user.path("config/sampled-monitor/settings.ini.*"))
        self.assertEqual([open(path).read() for path in kept], [broken])

    def test_one_bad_value_leaves_the_others(self):
        user = self.user()
        user.settings("[window]\nheight=abc\npage=memory\n[later]\nkey=value\n")
        monitor = user.monitor()
        monitor.page("Memory")
        self.assertIn("height", monitor.said())
        monitor.keys("ctrl+w")
        self.assertEqual(monitor.exit(), 0, monitor.said())
        # The keys of a later version are kept.
        self.assertIn("key=value", open(user.path("config/sampled-monitor/settings.ini")).read())

    def test_the_page_is_remembered(self):
        user = self.user()
        monitor = user.monitor()
        monitor.keys("ctrl+Next", "ctrl+Next")
        monitor.page("Memory")
        monitor.keys("ctrl+w")
        self.assertEqual(monitor.exit(), 0, monitor.said())
        user.monitor().page("Memory")

    def test_a_directory_that_cannot_be_written(self):
        user = self.user()
        user.write("config/sampled-monitor", "a file where the directory should be")
        monitor = user.monitor()
        monitor.page("Overview")
        monitor.keys("ctrl+w")
        self.assertEqual(monitor.exit(), 0, monitor.said())
        until(lambda: "settings" in monitor.said(), "a message")
