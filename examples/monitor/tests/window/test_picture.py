"""The picture of the README: the overview of a laptop."""

import os
import shutil
import tempfile

from case import Case
from machine import Machine
from monitor import has_value
from processes import need
from waiting import until

# The metrics of the overview, and the time for which they are read before the picture is taken.
SELECTORS = ["cpu", "memory", "disk/all", "network/all", "gpu/all", "power"]
SECONDS = 62
LARGEST = 150_000


class Picture(Case):
    def test_picture(self):
        """The picture; of some seconds and thrown away, unless --picture asks for it."""
        import_, convert = need("import", "imagemagick"), need("convert", "imagemagick")
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        machine = Machine(directory.name)
        self.addCleanup(machine.stop)
        user = self.user(service_arguments=f" --rootfs {machine.root} --procfs {machine.root}/proc --sysfs {machine.root}/sys")
        # The font of GNOME, which a desktop sets and this one does not.
        user.write("config/gtk-4.0/settings.ini", "[Settings]\ngtk-font-name=Cantarell 11\n")
        user.settings("[window]\nwidth=1010\nheight=730\npage=overview\n")
        other = user.start(self.installation.sampled, "watch", *SELECTORS, "--optional", "--interval", "1s", "--csv")
        count = SECONDS if self.picture else 3
        until(lambda: user.service() and any(session["frames"] >= count for session in user.sessions(other.pid)), "readings", 2 * SECONDS)
        monitor = user.monitor()
        page = monitor.page("Overview")
        until(lambda: (charts := monitor.charts(page)) and all(map(has_value, charts.values())), "a value in each graph")
        raw, small = (os.path.join(directory.name, name) for name in ["raw.png", "small.png"])
        self.desktop.run(import_, "-window", monitor.x_window(), raw)
        # Without the border that GTK draws where nothing composes windows, with few colours, and without the time.
        self.desktop.run(convert, raw, "-shave", "5x5", "+dither", "-colors", "192", "-strip",
                         "-define", "png:exclude-chunks=date,time", small)
        self.assertLess(os.path.getsize(small), LARGEST)
        if self.picture:
            shutil.copyfile(small, self.picture)
