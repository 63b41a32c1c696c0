#!/usr/bin/env python3
"""A client of sampled in Python with dbus-fast. Debian: python3-dbus-fast. PyPI: dbus-fast.

    python3 client.py

Signals go into a queue and are taken out behind `await`: their handlers are called before the code that waits for the
answer to Start.
"""
import asyncio
import math
import signal
import sys

from dbus_fast import DBusError, Variant
from dbus_fast.aio import MessageBus

NAME, PATH = "io.github.sampled.Sampler1", "/io/github/sampled/Sampler1"
METRICS = ["cpu/all/usage", "room/desk/temperature", "memory/physical/used", "os/kernel/name"]
FRAMES = 5


def call(method, *arguments):
    return asyncio.wait_for(method(*arguments), 25)  # dbus-fast has no deadline of its own


def show(id, value, unit, texts, faults):
    if isinstance(value, str):
        return f"{id} = {value}"
    if not math.isnan(value):
        return f"{id} = {value:.1f} {unit}"
    return f"{id} = ({faults[id]})" if faults.get(id) else f"{id} = {texts.get(id, '(stale)')}"


async def start(sampler):
    options = {"label": Variant("s", "python-dbus-fast"), "optional": Variant("b", True)}
    try:
        session, _columns = await call(sampler.call_start, METRICS, 1_000_000, options)
        return session
    except DBusError as error:
        # A service that ends while it is called loses its name: NameOwnerChanged follows.
        if error.type not in ("org.freedesktop.DBus.Error.NoReply", "io.github.sampled.Error.Stopping"):
            raise
        return None


async def connect(signals):
    """The proxy of the service. Its signals go into the queue."""
    bus = await asyncio.wait_for(MessageBus().connect(), 25)

    async def interface(name, path):
        return bus.get_proxy_object(name, path, await call(bus.introspect, name, path)).get_interface(name)

    dbus = await interface("org.freedesktop.DBus", "/org/freedesktop/DBus")
    sampler = await interface(NAME, PATH)
    dbus.on_name_owner_changed(lambda *arguments: signals.put_nowait(("NameOwnerChanged", *arguments)))
    sampler.on_changed(lambda *arguments: signals.put_nowait(("Changed", *arguments)))
    sampler.on_sampled(lambda *arguments: signals.put_nowait(("Sampled", *arguments)))
    sampler.on_ended(lambda *arguments: signals.put_nowait(("Ended", *arguments)))
    for number in signal.SIGINT, signal.SIGTERM:
        asyncio.get_running_loop().add_signal_handler(number, signals.put_nowait, ("Interrupt",))
    disconnected = asyncio.ensure_future(bus.wait_for_disconnect())
    disconnected.add_done_callback(lambda _: signals.put_nowait(("Disconnected",)))
    return sampler


async def main():
    signals = asyncio.Queue()
    sampler = await connect(signals)
    units = {}
    for id, metric in (await call(sampler.call_list, ["cpu/all", "memory/physical/used"])).items():
        units[id] = metric["unit"].value
        print(f"metric {id}: {metric['name'].value} [{metric['unit'].value}], {metric['group'].value}")
    # A new service needs two reads, 200 ms apart, for a rate: within 100 ms there is the fault `timeout`.
    options = {"optional": Variant("b", True), "timeout": Variant("t", 100_000)}
    _timestamp, readings, faults = await call(sampler.call_sample, METRICS, options)
    for id in METRICS:
        if id in readings or id in faults:
            value = readings[id].value if id in readings else math.nan
            print(f"now: {show(id, value, units.get(id, ''), {}, faults)}")

    session, frames = await start(sampler), 0
    while frames < FRAMES:
        match await signals.get():
            case "Changed", number, columns_or_none, new_texts, new_faults if number == session:
                if columns_or_none:
                    columns, texts, faults = columns_or_none, {}, {}
                    print("columns:", *columns)
                texts.update(new_texts)
                faults.update(new_faults)
            case "Sampled", number, _timestamp, values if number == session:
                frames += 1
                for id, value in zip(columns, values):
                    print(f"frame {frames}: {show(id, value, units.get(id, ''), texts, faults)}")
            case "Ended", number, reason if number == session and reason != "stopping":
                sys.exit(f"the session has ended: {reason}")
            case "NameOwnerChanged", name, old, _new if name == NAME and old:
                # The service has gone, and its sessions with it.
                print("the service has gone: starting again")
                session = await start(sampler)
            case ("Interrupt",):
                break
            case ("Disconnected",):
                sys.exit("the bus has gone")
    if session is not None:
        await call(sampler.call_stop, session)
    print("stopped")


try:
    asyncio.run(main())
except DBusError as error:
    if error.type == "org.freedesktop.DBus.Error.ServiceUnknown":
        sys.exit(f"There is no {NAME} on this bus. Please install sampled.")
    sys.exit(error.text)
