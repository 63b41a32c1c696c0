// A client of sampled in Node with dbus-next.
//
//     npm install --omit=optional
//     node client.js
//
// Signals go into a queue and are taken out behind `await`: their handlers are called before the code that waits for
// the answer to Start.

'use strict';

const {EventEmitter, on} = require('events');
const {sessionBus, Variant} = require('dbus-next');

const NAME = 'io.github.sampled.Sampler1', PATH = '/io/github/sampled/Sampler1';
const METRICS = ['cpu/all/usage', 'room/desk/temperature', 'memory/physical/used', 'os/kernel/name'];
const FRAMES = 5;

const bus = sessionBus();

/** Gives an answer a deadline: dbus-next has none. */
function within25s(answer) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(reject, 25000, new Error('the service does not answer'));
    });
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

async function proxy(name, path) {
    return (await within25s(bus.getProxyObject(name, path))).getInterface(name);
}

function show(id, value, unit, texts, faults) {
    if (typeof value === 'string')
        return `${id} = ${value}`;
    if (!Number.isNaN(value))
        return `${id} = ${value.toFixed(1)} ${unit ?? ''}`;
    return faults[id] ? `${id} = (${faults[id]})` : `${id} = ${texts[id] ?? '(stale)'}`;
}

async function start(sampler) {
    const options = {label: new Variant('s', 'node'), optional: new Variant('b', true)};
    try {
        const [session] = await within25s(sampler.Start(METRICS, 1000000, options));
        return session;
    } catch (error) {
        // A service that ends while it is called loses its name: NameOwnerChanged follows.
        if (!['org.freedesktop.DBus.Error.NoReply', 'io.github.sampled.Error.Stopping'].includes(error.type))
            throw error;
        return null;
    }
}

async function main() {
    const emitter = new EventEmitter();
    const signals = on(emitter, 'signal'); // an iterator that keeps what it has not given yet
    const dbus = await proxy('org.freedesktop.DBus', '/org/freedesktop/DBus');
    const sampler = await proxy(NAME, PATH);
    dbus.on('NameOwnerChanged', (...args) => emitter.emit('signal', 'NameOwnerChanged', ...args));
    for (const signal of ['Changed', 'Sampled', 'Ended'])
        sampler.on(signal, (...args) => emitter.emit('signal', signal, ...args));
    for (const signal of ['SIGINT', 'SIGTERM'])
        process.on(signal, () => emitter.emit('signal', 'Interrupt'));

    const units = {};
    const metrics = await within25s(sampler.List(['cpu/all', 'memory/physical/used']));
    for (const [id, {name, unit, group}] of Object.entries(metrics)) {
        units[id] = unit.value;
        console.log(`metric ${id}: ${name.value} [${unit.value}], ${group.value}`);
    }
    // A new service needs two reads, 200 ms apart, for a rate: within 100 ms there is the fault `timeout`.
    const options = {optional: new Variant('b', true), timeout: new Variant('t', 100000)};
    const [, readings, missing] = await within25s(sampler.Sample(METRICS, options));
    for (const id of METRICS.filter(metric => metric in readings || metric in missing))
        console.log(`now: ${show(id, readings[id]?.value ?? NaN, units[id], {}, missing)}`);

    let session = await start(sampler), columns, texts, faults;
    let frames = 0;
    for await (const [signal, ...args] of signals) {
        if (signal === 'Interrupt')
            break;
        if (signal === 'NameOwnerChanged' && args[0] === NAME && args[1]) {
            // The service has gone, and its sessions with it.
            console.log('the service has gone: starting again');
            session = await start(sampler);
        }
        if (args[0] !== session) // a detached session of another program, which all programs hear
            continue;
        if (signal === 'Changed') {
            if (args[1].length) {
                [columns, texts, faults] = [args[1], {}, {}];
                console.log('columns:', ...columns);
            }
            Object.assign(texts, args[2]);
            Object.assign(faults, args[3]);
        } else if (signal === 'Sampled') {
            frames++;
            columns.forEach((id, i) =>
                console.log(`frame ${frames}: ${show(id, args[2][i], units[id], texts, faults)}`));
            if (frames === FRAMES)
                break;
        } else if (signal === 'Ended' && args[1] !== 'stopping') {
            throw new Error(`the session has ended: ${args[1]}`);
        }
    }
    if (session !== null)
        await within25s(sampler.Stop(session));
    console.log('stopped');
    process.exitCode = 0;
    bus.disconnect();
}

process.exitCode = 1; // for a bus that goes: Node ends when it has nothing left to wait for
main().catch(error => {
    const missing = error.type === 'org.freedesktop.DBus.Error.ServiceUnknown';
    console.error(missing ? `There is no ${NAME} on this bus. Please install sampled.` : error.message);
    process.exit(1);
});
