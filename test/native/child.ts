// Scenarios that need a process or a thread of their own: node child.js SCENARIO

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

import { BpfError, enableStats, renouncePrivileges, type BpfObject } from '#bpf-native-bindings';

import { loadEvents, makeEvents, openWith, readU64, u32 } from './support.js';

/** CAP_BPF, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH. */
const KEPT = [39, 19, 2];

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

const FIELDS = [
  'CapPrm',
  'CapEff',
  'CapInh',
  'CapAmb',
  'CapBnd',
  'NoNewPrivs',
  'Seccomp',
  'Uid',
  'Gid',
  'Groups',
] as const;

/** What /proc says of a thread; of ids the real, effective, saved and file system one. */
export type ThreadStatus = { id: number } & Record<(typeof FIELDS)[number], string>;

function statusIn(text: string, id: number): ThreadStatus {
  const value = (field: string): string =>
    (new RegExp(`^${field}:[\\t ]*(.*)$`, 'm').exec(text)?.[1] ?? '').trim().replaceAll('\t', ' ');
  return { id, ...Object.fromEntries(FIELDS.map((field) => [field, value(field)])) } as ThreadStatus;
}

function threadStatuses(): ThreadStatus[] {
  return readdirSync('/proc/self/task').map((id) =>
    statusIn(readFileSync(`/proc/self/task/${id}/status`, 'utf8'), Number(id)),
  );
}

/** Has threads of libuv and of a worker begin, calls back while they live, and ends. */
async function amongThreads(then: () => void): Promise<void> {
  await readFile('/proc/self/status');
  const worker = new Worker('setInterval(() => undefined, 1000)', { eval: true });
  await once(worker, 'online');
  then();
  await worker.terminate();
}

function codeOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

function renounceAndReport(user?: { uid: number; gid: number }): Promise<void> {
  return amongThreads(() => {
    const count = renouncePrivileges({ capabilities: KEPT, user });
    const memory = codeOf(() => openSync('/proc/1/mem', 'r+'));
    const inChild = statusIn(execFileSync('cat', ['/proc/self/status'], { encoding: 'utf8' }), 0);
    console.log(JSON.stringify({ count, main: process.pid, threads: threadStatuses(), inChild, memory }));
  });
}

const scenarios: Record<string, () => unknown> = {
  renounce: () => renounceAndReport(),

  renounceUser: () => renounceAndReport({ uid: 65534, gid: 65533 }),

  renounceRefused: () =>
    amongThreads(() => {
      try {
        renouncePrivileges({ capabilities: KEPT, user: { uid: 65534, gid: 65534 } });
      } catch (error) {
        assert.ok(error instanceof BpfError);
        const text = `${error.operation} ${error.code} ${error.message}`;
        console.log(JSON.stringify({ error: text, threads: threadStatuses() }));
      }
    }),

  /** Has programs that it executes trace a process of their own, before and after. */
  renounceTracing() {
    // As Perl's syscall() takes it: a child that waits, and PTRACE_ATTACH to it.
    const script = `my $child = fork() // die; if (!$child) { sleep 60; exit }
      my $done = syscall($ARGV[0], 16, $child, 0, 0); print $done < 0 ? $! + 0 : 0; kill 9, $child`;
    const number = process.arch === 'arm64' ? '117' : '101';
    const attach = (): string => execFileSync('perl', ['-e', script, number], { encoding: 'utf8' });
    const before = attach();
    renouncePrivileges({ capabilities: KEPT });
    console.log(JSON.stringify({ before, after: attach() }));
  },

  renounceTwice: () =>
    amongThreads(() => {
      const timed = (): [number, number] => {
        const start = performance.now();
        const count = renouncePrivileges({ capabilities: KEPT });
        return [count, performance.now() - start];
      };
      const [[first, firstMs], [second, secondMs]] = [timed(), timed()];
      console.log(JSON.stringify({ firstMs, secondMs, counts: [first, second] }));
    }),

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

  /** Without privileges. */
  stats() {
    try {
      enableStats().close();
      console.log('enabled');
    } catch (error) {
      assert.ok(error instanceof BpfError);
      console.log(error.operation, error.code, error.errno);
    }
  },

  /** Ends by itself, with nothing closed. */
  exit() {
    holdEverything();
    process.exit(0);
  },

  /** Must be killed. */
  hang() {
    const object = holdEverything();
    console.log('ready');
    setInterval(() => object.mapNames, 1000); // it must not be garbage before
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
await scenario();
