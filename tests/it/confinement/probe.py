"""Tries system calls that may be denied, and prints the outcome of each attempt: `ok`, the name of an error, or the name
of the signal that ended the child process."""

import ctypes
import errno
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import threading

libc = ctypes.CDLL(None, use_errno=True)
calls = json.loads(sys.argv[1])
CLONE_FS, CLONE_NEWUSER = 0x200, 0x10000000
SCHED_FIFO = 1
ADDR_NO_RANDOMIZE = 0x0040000


def call(name, *arguments):
    arguments = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result = libc.syscall(ctypes.c_long(calls[name]), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    if name == "clone" and result == 0:
        os._exit(0)


def outcome(attempt):
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    return "ok"


def in_a_child(attempt):
    """The outcome in a child process: the attempt cannot be undone, or it kills."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, outcome(attempt).encode())
        os._exit(0)
    os.close(writing)
    status = os.waitpid(child, 0)[1]
    result = os.read(reading, 64).decode()
    os.close(reading)
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else result


def set_user_id():
    path = f"probe.{os.getpid()}"
    open(path, "w").close()
    try:
        os.chmod(path, 0o4700)
    finally:
        os.unlink(path)


def foreign():
    """getpid(2) of 32-bit x86: push rbx; mov eax, 20; int 0x80; pop rbx; ret."""
    code = mmap.mmap(-1, 4096, prot=7)
    code.write(b"\x53\xb8\x14\x00\x00\x00\xcd\x80\x5b\xc3")
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    ctypes.CFUNCTYPE(ctypes.c_int)(address)()


def thread():
    ran = threading.Thread(target=lambda: None)
    ran.start()
    ran.join()


def inotify():
    descriptor = libc.inotify_init()
    if descriptor < 0 or libc.inotify_add_watch(descriptor, b"/", 0x100) < 0:
        raise OSError(ctypes.get_errno(), "inotify")


def read_files_of(pid):
    """Reads the files in /proc that need permission to trace the process."""
    with open(f"/proc/{pid}/io") as io, open(f"/proc/{pid}/fdinfo/0") as fdinfo:
        io.read(), fdinfo.read()
    os.readlink(f"/proc/{pid}/exe"), os.listdir(f"/proc/{pid}/root"), os.listdir(f"/proc/{pid}/fd")


# With invalid arguments, so that the call fails in a process that is not confined, too.
outcomes = {name: outcome(lambda: call(name, *[-1] * 6)) for name in calls if name not in ("clone", "sched_setscheduler", "personality")}
outcomes["personality"] = in_a_child(lambda: call("personality", ADDR_NO_RANDOMIZE))
outcomes["clone namespace"] = in_a_child(lambda: call("clone", CLONE_NEWUSER | signal.SIGCHLD, 0, 0, 0, 0))
outcomes["unshare namespace"] = in_a_child(lambda: call("unshare", CLONE_NEWUSER))
# A priority that does not exist.
outcomes["real time"] = outcome(lambda: call("sched_setscheduler", 0, SCHED_FIFO, ctypes.byref(ctypes.c_int(0))))
outcomes["set-user-ID"] = outcome(set_user_id)
outcomes["packet socket"] = outcome(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM).close())
outcomes["foreign"] = in_a_child(foreign)
with open("/proc/self/status") as status:
    fields = {name: value.strip() for name, value in (line.split(":", 1) for line in status)}
outcomes["NoNewPrivs"], outcomes["Umask"] = fields["NoNewPrivs"], fields["Umask"]

works = {
    "thread": thread,
    "subprocess": lambda: subprocess.run(["true"], check=True),
    "jit": lambda: mmap.mmap(-1, 4096, prot=7).close(),
    "inotify": inotify,
    "memfd": lambda: os.close(os.memfd_create("probe")),
    "unshare files": lambda: call("unshare", CLONE_FS),
    "ask personality": lambda: call("personality", 0xFFFFFFFF),
    "inet": lambda: socket.socket(socket.AF_INET).close(),
    "unix": lambda: socket.socket(socket.AF_UNIX).close(),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    "other process": lambda: read_files_of(os.getppid()),
}
outcomes.update({name: outcome(attempt) for name, attempt in works.items()})
json.dump({name.replace(" ", "_"): result for name, result in outcomes.items()}, sys.stdout)
