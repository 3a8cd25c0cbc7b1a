// Scenarios that need a process or a thread of their own: node child.js SCENARIO

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';

import { BpfError, type BpfObject } from '#bpf-native-bindings';

import { loadEvents, makeEvents, openWith, readU64, u32 } from './support.js';

/** Everything that must go when the process or thread does. */
function holdEverything(): BpfObject {
  const object = loadEvents(['bnb_to_ring', 'bnb_to_perf', 'bnb_raw']);
  object.attach('bnb_to_ring');
  object.attach('bnb_to_perf');
  object.attach('bnb_raw');
  object.ringBuffer('ring');
  object.perfBuffer('perf', { bytesPerCpu: 1 });
  object.map('counts');
  makeEvents(10);
  return object;
}

const scenarios: Record<string, () => void> = {
  classicTracepoint() {
    if (!existsSync('/sys/kernel/tracing/events'))
      execFileSync('mount', ['-t', 'tracefs', 'tracefs', '/sys/kernel/tracing']);
    const object = loadEvents(['bnb_classic']);
    const link = object.attach('bnb_classic');
    makeEvents(23);
    link.close();
    makeEvents(5);
    const count = object.map('counts').lookup(u32(0));
    assert.ok(count);
    console.log(readU64(count));
    object.close();
  },

  unprivileged() {
    const object = openWith('events', 'bnb_to_ring');
    try {
      object.load();
      console.log('loaded');
    } catch (error) {
      assert.ok(error instanceof BpfError);
      console.log(error.operation, error.code, error.errno);
    }
    object.close();
  },

  /** Ends by itself, with nothing closed. */
  exit() {
    holdEverything();
    process.exit(0);
  },

  /** Must be killed. */
  hang() {
    holdEverything();
    console.log('ready');
    setInterval(() => undefined, 1000);
  },

  /** In a worker thread: reports to the parent and then waits to be terminated, if so told, or ends. */
  worker() {
    const object = holdEverything();
    const ring = object.ringBuffer('ring');
    parentPort?.postMessage(ring.consume(new Uint8Array(4096)).records);
    const { wait } = workerData as { wait: boolean };
    if (wait) setInterval(() => object.programNames, 1000);
  },
};

const scenario = scenarios[isMainThread ? (process.argv[2] ?? '') : 'worker'];
assert.ok(scenario, 'a scenario is needed');
scenario();
