"""Waits for what events bring about, with a deadline.

A condition is looked at again after each event: of the accessibility bus, of a session bus, the exit of a child. What has no event
of its own (the sessions of the service, the widths after a relayout) is looked at ten times a second, too.
"""

from gi.repository import GLib

DEADLINE = 20


class Expired(AssertionError):
    """What a test waited for did not come."""


def until(condition, what, seconds=DEADLINE):
    """The first true value of the condition. `what` is a text, or makes one when the time is over."""
    context = GLib.MainContext.default()
    expired = []
    deadline = GLib.timeout_add_seconds(seconds, lambda: expired.append(True) or GLib.SOURCE_REMOVE)
    tick = GLib.timeout_add(100, lambda: GLib.SOURCE_CONTINUE)
    try:
        while True:
            value = condition()
            if value:
                return value
            if expired:
                raise Expired(f"not within {seconds} s: {what() if callable(what) else what}")
            context.iteration(True)
            while context.pending() and not expired:
                context.iteration(False)
    finally:
        GLib.source_remove(tick)
        if not expired:
            GLib.source_remove(deadline)
