// A client of sampled in GJS, without a call that blocks. Debian: gjs.
//
//     gjs -m client.js
//
// Signals go into a queue and are taken out behind `await`: their handlers are called before the code that waits for
// the answer to Start. An extension of GNOME Shell calls `main` in `enable`; its `disable` ends the subscriptions by
// `bus.signal_unsubscribe` and puts `Interrupt` into the queue.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';

Gio._promisify(Gio.DBusConnection.prototype, 'call', 'call_finish');

const NAME = 'io.github.sampled.Sampler1', PATH = '/io/github/sampled/Sampler1';
const METRICS = ['cpu/all/usage', 'room/desk/temperature', 'memory/physical/used', 'os/kernel/name'];
const FRAMES = 5;

const bus = Gio.DBus.session;
const signals = [];
let wake = () => {};

function put(...signal) {
    signals.push(signal);
    wake();
    return GLib.SOURCE_CONTINUE;
}

async function take() {
    while (!signals.length)
        await new Promise(resolve => (wake = resolve));
    return signals.shift();
}

async function call(method, type, ...args) {
    const reply = await bus.call(NAME, PATH, NAME, method, new GLib.Variant(type, args), null,
        Gio.DBusCallFlags.NONE, -1, null);
    return reply.recursiveUnpack();
}

function show(id, value, unit, texts, faults) {
    if (typeof value === 'string')
        return `${id} = ${value}`;
    if (!Number.isNaN(value))
        return `${id} = ${value.toFixed(1)} ${unit ?? ''}`;
    return faults[id] ? `${id} = (${faults[id]})` : `${id} = ${texts[id] ?? '(stale)'}`;
}

async function start() {
    const options = {label: new GLib.Variant('s', 'gjs'), optional: new GLib.Variant('b', true)};
    try {
        const [session] = await call('Start', '(asta{sv})', METRICS, 1000000, options);
        return session;
    } catch (error) {
        // A service that ends while it is called loses its name: NameOwnerChanged follows.
        const gone = ['org.freedesktop.DBus.Error.NoReply', 'io.github.sampled.Error.Stopping'];
        if (!gone.includes(Gio.DBusError.get_remote_error(error)))
            throw error;
        return null;
    }
}

async function main() {
    bus.signal_subscribe(NAME, NAME, null, PATH, null, Gio.DBusSignalFlags.NONE,
        (_bus, _sender, _path, _interface, signal, args) => put(signal, ...args.recursiveUnpack()));
    bus.signal_subscribe('org.freedesktop.DBus', 'org.freedesktop.DBus', 'NameOwnerChanged',
        '/org/freedesktop/DBus', NAME, Gio.DBusSignalFlags.NONE,
        (_bus, _sender, _path, _interface, signal, args) => put(signal, ...args.recursiveUnpack()));
    for (const number of [2, 15]) // SIGINT, SIGTERM
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, () => put('Interrupt'));

    const units = {};
    const [metrics] = await call('List', '(as)', ['cpu/all', 'memory/physical/used']);
    for (const [id, {name, unit, group}] of Object.entries(metrics)) {
        units[id] = unit;
        print(`metric ${id}: ${name} [${unit}], ${group}`);
    }
    // A new service needs two reads, 200 ms apart, for a rate: within 100 ms there is the fault `timeout`.
    const options = {optional: new GLib.Variant('b', true), timeout: new GLib.Variant('t', 100000)};
    const [, readings, missing] = await call('Sample', '(asa{sv})', METRICS, options);
    for (const id of METRICS.filter(metric => metric in readings || metric in missing))
        print(`now: ${show(id, readings[id] ?? NaN, units[id], {}, missing)}`);

    let session = await start(), columns, texts, faults;
    for (let frames = 0; frames < FRAMES;) {
        const [signal, ...args] = await take();
        if (signal === 'Interrupt')
            break;
        if (signal === 'NameOwnerChanged' && args[1]) { // the service has gone, and its sessions with it
            print('the service has gone: starting again');
            session = await start();
        }
        if (args[0] !== session) // a detached session of another program, which all programs hear
            continue;
        if (signal === 'Changed') {
            if (args[1].length) {
                [columns, texts, faults] = [args[1], {}, {}];
                print('columns:', ...columns);
            }
            Object.assign(texts, args[2]);
            Object.assign(faults, args[3]);
        } else if (signal === 'Sampled') {
            frames++;
            columns.forEach((id, i) => print(`frame ${frames}: ${show(id, args[2][i], units[id], texts, faults)}`));
        } else if (signal === 'Ended' && args[1] !== 'stopping') {
            throw new Error(`the session has ended: ${args[1]}`);
        }
    }
    if (session !== null)
        await call('Stop', '(u)', session);
    print('stopped');
}

try {
    await main();
} catch (error) {
    const missing = error.matches?.(Gio.DBusError, Gio.DBusError.SERVICE_UNKNOWN);
    printerr(missing ? `There is no ${NAME} on this bus. Please install sampled.` : error.message);
    System.exit(1);
}
