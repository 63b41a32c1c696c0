#!/usr/bin/python3
"""Tests of the monitor's window: on a display of its own, with a session bus and the real service, by AT-SPI.

    window --sampled target/debug/sampled --monitor target/debug/sampled-monitor [--jobs N] [TEST...] [--picture FILE]

TEST is a part of a test's name. --jobs runs so many classes of tests at a time, each on a display of its own. --picture writes
the picture of the README.
"""

import argparse
import io
import os
import sys
import traceback
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
    parser.add_argument("--jobs", type=int, default=1, metavar="N")
    parser.add_argument("--picture", type=os.path.abspath)
    parser.add_argument("tests", nargs="*", metavar="TEST")
    arguments = parser.parse_args()
    for program in [arguments.sampled, arguments.monitor]:
        if not os.access(program, os.X_OK):
            parser.error(f"there is no program {program}")

    loader = unittest.TestLoader()
    if arguments.tests:
        loader.testNamePatterns = [f"*{test}*" for test in arguments.tests]
    modules = loader.discover(os.path.dirname(os.path.abspath(__file__)), "test_*.py")
    classes = [each for module in modules for each in module if each.countTestCases()]
    if not classes:
        parser.error("there is no such test")

    # One byte for each class: a process takes the next one when it has run another.
    queue, write = os.pipe()
    os.write(write, bytes(range(len(classes))))
    os.close(write)
    children = []
    for _ in range(min(max(1, arguments.jobs), len(classes))):
        child = os.fork()
        if child == 0:
            os._exit(run(classes, queue, arguments))
        children.append(child)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    return 1 if any(statuses) else 0


def run(classes, queue, arguments):
    """Runs classes of tests on a display of this process until none is left. Returns an exit status."""
    status = 1
    desktop = None
    try:
        desktop = Desktop()
        Case.desktop = desktop
        Case.installation = Installation(desktop.directory.name, arguments.sampled, arguments.monitor)
        Case.picture = arguments.picture
        results = []
        while number := os.read(queue, 1):
            output = io.StringIO()
            results.append(unittest.TextTestRunner(stream=output, verbosity=2).run(classes[number[0]]))
            sys.stderr.write(output.getvalue())
            sys.stderr.flush()
        status = 0 if all(result.wasSuccessful() for result in results) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        if desktop:
            desktop.close()
    return status


sys.exit(main())
