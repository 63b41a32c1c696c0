"""What every test begins with."""

import unittest

from processes import need
from user import User


class Case(unittest.TestCase):
    """A test with a desktop, and with users that leave at its end."""

    desktop = None
    installation = None
    picture = None

    def user(self, **options):
        """A user of its own, who does not point at anything."""
        self.desktop.run(need("xdotool", "xdotool"), "mousemove", 10000, 10000)
        user = User(self.desktop, self.installation, **options)
        self.addCleanup(user.leave)
        return user
