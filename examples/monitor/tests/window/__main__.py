#!/usr/bin/python3
"""Tests of the monitor's window: on a display of its own, with a session bus and the real service, by AT-SPI.

    window --sampled target/debug/sampled --monitor target/debug/sampled-monitor [TEST...] [--picture FILE]

TEST is a part of a test's name. --picture writes the picture of the README.
"""

import argparse
import os
import sys
import unittest

# The sources stay as they are.
sys.dont_write_bytecode = True

try:
    import gi  # noqa: F401
except ImportError:
    sys.exit("window: PyGObject is missing (Debian: apt install python3-gi, and this runs /usr/bin/python3)")

from case import Case
from desktop import Desktop
from user import Installation


def main():
    parser = argparse.ArgumentParser(prog="window", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sampled", required=True, type=os.path.abspath)
    parser.add_argument("--monitor", required=True, type=os.path.abspath)
    parser.add_argument("--picture", type=os.path.abspath)
    parser.add_argument("tests", nargs="*", metavar="TEST")
    arguments = parser.parse_args()
    for program in [arguments.sampled, arguments.monitor]:
        if not os.access(program, os.X_OK):
            parser.error(f"there is no program {program}")

    desktop = Desktop()
    try:
        Case.desktop = desktop
        Case.installation = Installation(desktop.directory.name, arguments.sampled, arguments.monitor)
        Case.picture = arguments.picture
        loader = unittest.TestLoader()
        if arguments.tests:
            loader.testNamePatterns = [f"*{test}*" for test in arguments.tests]
        suite = loader.discover(os.path.dirname(os.path.abspath(__file__)), "test_*.py")
        result = unittest.TextTestRunner(verbosity=2).run(suite)
    finally:
        desktop.close()
    return 0 if result.wasSuccessful() and result.testsRun else 1


sys.exit(main())
