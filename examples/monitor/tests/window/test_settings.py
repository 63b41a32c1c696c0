"""The settings file."""

import glob
import os

from case import Case
from user import SETTINGS
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

    def check_that_it_is_left_as_it_is(self, make, cause):
        """The window says why it does not use what `make` makes, and neither copies nor replaces it."""
        user = self.user()
        directory = os.path.dirname(user.path(SETTINGS))
        os.makedirs(directory)
        make(user.path(SETTINGS))
        before = os.lstat(user.path(SETTINGS))
        monitor = user.monitor()
        monitor.words(f"^Settings are not saved, because .*settings.ini would be lost: {cause}$")
        monitor.keys("alt+3")
        monitor.page("Memory")
        monitor.keys("ctrl+w")
        self.assertEqual(monitor.exit(), 0, monitor.said())
        self.assertRegex(monitor.said(), f"^sampled-monitor: .*settings.ini: {cause}; .*\n$")
        after = os.lstat(user.path(SETTINGS))
        self.assertEqual((after.st_ino, after.st_mode, after.st_size), (before.st_ino, before.st_mode, before.st_size))
        self.assertEqual(os.listdir(directory), ["settings.ini"])

    def test_a_link_to_a_device(self):
        self.check_that_it_is_left_as_it_is(lambda path: os.symlink("/dev/zero", path), "it is no regular file")

    def test_a_fifo(self):
        self.check_that_it_is_left_as_it_is(os.mkfifo, "it is no regular file")

    def test_a_large_file(self):
        def make(path):
            with open(path, "w") as file:
                file.write("a" * 30_000_000)
        self.check_that_it_is_left_as_it_is(make, "it is larger than 65536 bytes")

    def test_a_long_line(self):
        user = self.user()
        user.settings("a" * 60_000)
        monitor = user.monitor()
        # The end of the message is not shown: the name of the copy is before the line.
        monitor.words(r"^Damaged settings are kept as .*settings\.ini\.broken-1: .*aaa…aaa")
        self.assertLess(len(monitor.said()), 1000)
        self.assertIn("settings.ini.broken-1", monitor.said())

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
