"""The table of processes."""

import re
import shutil

from accessibility import Role, State
from case import Case
from processes import is_running
from waiting import until

# libadwaita puts the label with its mnemonic into the name, too.
CANCEL, END = re.compile("Cancel$"), re.compile("End$")


class Processes(Case):
    def test_end_process_asks_first(self):
        user = self.user()
        user.settings("[window]\npage=processes\n")
        # No other process has this name.
        program = shutil.copy("/bin/sleep", user.path("sampled-victim"))
        child = user.start(program, "1000000")
        monitor = user.monitor()
        page = monitor.page("Processes")
        monitor.keys("ctrl+f")
        search = monitor.find(Role.ENTRY, within=page)
        until(lambda: any(node.has(State.FOCUSED) for node in search.descendants()), "the focus is in the search")
        self.desktop.write("sampled-victim")
        monitor.find(Role.LABEL, re.compile(f"^{child.pid}$"), page)
        monitor.keys("Tab", "Down")
        monitor.press("End…", page)
        monitor.words(f"End “sampled-victim” \\({child.pid}\\)")
        monitor.press(CANCEL)
        until(lambda: not monitor.all(Role.BUTTON, CANCEL), "the question is gone")
        self.assertTrue(is_running(child.pid))
        monitor.press("End…", page)
        monitor.press(END)
        until(lambda: child.poll() is not None, "the end of the process")
        self.assertEqual(child.returncode, -15)
        until(lambda: not monitor.all(Role.LABEL, re.compile(f"^{child.pid}$"), page), "the row is gone")
