import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { constants } from 'node:os';

import { readInNetworkNamespace } from '#bpf-native-bindings';

import type { ThreadStatus } from './child.js';
import { runChild, type ChildResult } from './run_child.js';
import { failsWith } from './support.js';

const NONE = '0000000000000000';
const CAP_DAC_READ_SEARCH = 2;
const CAP_SYS_PTRACE = 19;
const CAP_BPF = 39;
const KEPT = (1n << BigInt(CAP_BPF)) | (1n << BigInt(CAP_SYS_PTRACE)) | (1n << BigInt(CAP_DAC_READ_SEARCH));

const hex = (bits: bigint): string => bits.toString(16).padStart(16, '0');

/** The leak sanitizer, under which these tests run as well, looks for leaks by tracing its own process: that is refused afterwards. */
const WITHOUT_LEAK_CHECK = `ASAN_OPTIONS=${process.env['ASAN_OPTIONS'] ?? ''}:detect_leaks=0`;

const runLimited = (scenario: string, under: string[] = []): ChildResult =>
  runChild(scenario, [WITHOUT_LEAK_CHECK, ...under]);

interface Report {
  count: number;
  main: number;
  threads: ThreadStatus[];
  inChild: ThreadStatus;
  /** Why the memory of process 1 cannot be written to. */
  memory?: string;
}

function reportOf(scenario: string, under: string[] = []): Report {
  const { status, stdout, stderr } = runLimited(scenario, under);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as Report;
}

/** Node has at least its own thread, four of V8, the inspector's, four of libuv and that of a worker. */
function checkThreads({ count, threads, main, inChild }: Report, kept: bigint): void {
  assert.ok(threads.length >= 11, `${threads.length} threads`);
  assert.equal(count, threads.length);
  for (const thread of threads) {
    const capabilities = thread.id === main ? hex(kept) : NONE;
    assert.equal(thread.CapPrm, capabilities, JSON.stringify(thread));
    assert.equal(thread.CapEff, capabilities, JSON.stringify(thread));
    assert.equal(thread.CapInh, NONE);
    assert.equal(thread.CapAmb, NONE);
    assert.equal(thread.NoNewPrivs, '1', JSON.stringify(thread));
    assert.equal(thread.Seccomp, '2', JSON.stringify(thread));
  }
  assert.equal(inChild.NoNewPrivs, '1');
}

describe('renouncing privileges', () => {
  it('as root, becoming another user: every thread is that user, one keeps what is wanted', () => {
    const report = reportOf('renounceUser');
    checkThreads(report, KEPT);
    for (const thread of report.threads) {
      assert.equal(thread.Uid, '65534 65534 65534 65534');
      assert.equal(thread.Gid, '65533 65533 65533 65533');
      assert.equal(thread.Groups, '');
      assert.equal(thread.CapBnd, NONE);
    }
    assert.equal(report.inChild.CapPrm, NONE, 'a program that it executes has nothing');
    assert.equal(report.memory, 'EACCES');
  });

  it('as root that stays root: every other thread keeps nothing, nor does a program that it executes', () => {
    const report = reportOf('renounce');
    checkThreads(report, KEPT);
    for (const thread of report.threads) {
      assert.equal(thread.Uid, '0 0 0 0');
      assert.equal(thread.CapBnd, NONE);
    }
    assert.equal(report.inChild.CapPrm, NONE);
  });

  it('as nobody with a few capabilities: gains none, and loses those of every thread', () => {
    const report = reportOf('renounce', [
      ...['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
      ...['--inh-caps=+bpf,+perfmon', '--ambient-caps=+bpf,+perfmon', '--bounding-set=-all,+bpf,+perfmon'],
    ]);
    checkThreads(report, 1n << BigInt(CAP_BPF));
    assert.equal(report.inChild.CapPrm, NONE);
  });

  it('that may not become the user gives up the capabilities all the same, and says so', () => {
    const under = ['setpriv', '--bounding-set=-setuid', '--no-new-privs'];
    const { status, stdout, stderr } = runLimited('renounceRefused', under);
    assert.equal(status, 0, stderr);
    const { error, threads } = JSON.parse(stdout) as { error: string; threads: ThreadStatus[] };
    assert.match(error, /^renounce EPERM cannot become user 65534: /);
    for (const { CapPrm } of threads) assert.ok([NONE, hex(KEPT)].includes(CapPrm), CapPrm);
  });

  it('leaves other processes alone: what could be traced before cannot be any more', () => {
    const { status, stdout, stderr } = runLimited('renounceTracing');
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), { before: '0', after: String(constants.errno.EPERM) });
  });

  it('again changes nothing, and takes no longer than a few milliseconds', () => {
    const { stdout, stderr } = runLimited('renounceTwice');
    const { firstMs, secondMs, counts } = JSON.parse(stdout || `{"stderr":${JSON.stringify(stderr)}}`) as {
      firstMs: number;
      secondMs: number;
      counts: number[];
    };
    assert.equal(counts[0], counts[1]);
    assert.ok(Math.min(firstMs, secondMs) < 50, `${firstMs} and ${secondMs} ms`);
  });
});

describe('reading in another network namespace', () => {
  it('gives what a process in it sees, and comes back', async () => {
    const own = readlinkSync('/proc/self/ns/net');
    const child = spawn(
      'unshare',
      ['--net', 'sh', '-c', 'ip link add marked type dummy 2>/dev/null; echo; exec cat'],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    try {
      await once(child.stdout, 'data');
      const place = `/proc/${child.pid}/ns/net`;
      const read = (path: string): string => readInNetworkNamespace(place, path);
      assert.notEqual(readlinkSync(place), own);
      // A new namespace has no interface but its own lo, and its own files.
      const there = spawnSync('nsenter', [`--net=${place}`, 'cat', '/proc/net/dev'], {
        encoding: 'utf8',
      }).stdout;
      assert.equal(read('/proc/thread-self/net/dev'), there);
      assert.notEqual(readFileSync('/proc/self/net/dev', 'utf8'), there);
      assert.equal(readlinkSync('/proc/thread-self/ns/net'), own);
      failsWith({ operation: 'readInNetworkNamespace', code: 'ENOENT' }, () =>
        read('/proc/thread-self/net/none'),
      );
      assert.equal(readlinkSync('/proc/thread-self/ns/net'), own);
      assert.equal(statSync('/proc/self/ns/net').ino, statSync('/proc/thread-self/ns/net').ino);
    } finally {
      child.stdin.end();
      await once(child, 'close');
    }
  });

  it('is refused for what is no namespace, and for none', () => {
    const read = (place: string) => () => readInNetworkNamespace(place, '/proc/thread-self/net/dev');
    failsWith({ operation: 'readInNetworkNamespace', code: 'ENOENT' }, read('/nowhere'));
    failsWith({ operation: 'readInNetworkNamespace', code: 'EINVAL' }, read('/proc/self/status'));
  });
});
