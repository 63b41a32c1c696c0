"""What every test begins with."""

import unittest

from user import User


class Case(unittest.TestCase):
    """A test with a desktop, and with users that leave at its end."""

    desktop = None
    installation = None
    picture = None

    def user(self, **options):
        """A user of its own."""
        user = User(self.desktop, self.installation, **options)
        self.addCleanup(user.leave)
        return user
