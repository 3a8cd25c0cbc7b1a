/** What doctor says of this very host, held against what others say of it, and that it leaves nothing behind. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { release } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { HANDSHAKE_HOOKS } from '#tcpscope/kernel/handshakes.js';
import { RETRANSMIT_HOOKS, SAMPLING_HOOKS } from '#tcpscope/kernel/retransmits.js';
import { TRACERS } from '#tcpscope/kernel/tracers.js';
import { TestCgroups } from './cgroup.js';
import { doctor, type Line, type Said } from './doctor-run.js';
import { loadedPrograms, ROOT, RUN } from './tool.js';

/** Runs in a cgroup of this folder. */
const entering = (folder: string): string[] => [
  'sh',
  '-c',
  `echo $$ > '${folder}/cgroup.procs'; exec "$@"`,
  'sh',
];

const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
const bpftool = (...args: string[]): string =>
  execFileSync('bpftool', args, { encoding: 'utf8', env, maxBuffer: 1 << 28 });

/** Ids of what is loaded under a name that only doctor has. */
function doctorsOwn(): string[] {
  const programs = JSON.parse(bpftool('prog', 'show', '-j')) as { name?: string }[];
  const maps = JSON.parse(bpftool('map', 'show', '-j')) as { name?: string }[];
  const names = [...programs, ...maps].map(({ name = '' }) => name);
  return names.filter((name) => /^(see_listen|read_clock|ports|doctor\.\w+)$/.test(name));
}

/** Names and numbers of arguments of all tracepoints, as bpftool reads them. */
function tracepointsOfBtf(): Map<string, number> {
  const { types } = JSON.parse(bpftool('btf', 'dump', '-j', 'file', '/sys/kernel/btf/vmlinux')) as {
    types: { id: number; kind: string; name: string; type_id?: number; params?: unknown[] }[];
  };
  const byId = new Map(types.map((type) => [type.id, type]));
  const found = types.flatMap(({ kind, name, type_id }) => {
    if (kind !== 'TYPEDEF' || !name.startsWith('btf_trace_')) return [];
    const pointer = byId.get(type_id ?? 0);
    const params = byId.get(pointer?.type_id ?? 0)?.params?.length ?? 0;
    return [[name.slice('btf_trace_'.length), params - 1] as const];
  });
  return new Map(found);
}

describe('doctor on this host', () => {
  let said: Said;
  let loaded: number[];
  before(() => {
    loaded = loadedPrograms();
    said = doctor();
  });

  it('leaves no program and no map behind', async () => {
    // The kernel frees them some RCU grace periods after the last descriptor; mocha's time-out bounds the wait.
    while (doctorsOwn().length > 0 || loadedPrograms().length > loaded.length) await setImmediate();
    assert.deepEqual(loadedPrograms(), loaded);
  });

  it('finds that all commands work, and only what is optional missing', () => {
    assert.equal(said.code, 0, JSON.stringify(said.lines.filter(({ status }) => status === 'failed')));
    for (const check of ['bpf', 'ring_buffer', 'perf_buffer', 'iterator', 'event', 'clock', 'btf'])
      assert.equal(said.of(check).status, 'ok', check);
    for (const check of ['connlat_programs', 'retrans_programs']) assert.equal(said.of(check).status, 'ok');
  });

  it('agrees with what others say of the host', () => {
    assert.equal(said.of('kernel').found, `Linux ${release()}`);
    assert.equal(said.of('architecture').found, process.arch);
    assert.ok(said.of('node').found.startsWith(`${process.version}, glibc `));
    const glibc = execFileSync('ldd', ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? '';
    assert.ok(glibc.endsWith(said.of('node').found.split(' ').at(-1)!), glibc);
    const mebibytes = statSync('/sys/kernel/btf/vmlinux').size / 2 ** 20;
    assert.equal(said.of('btf').found, `${mebibytes.toFixed(2)} MiB`);
    const clocksource = readFileSync(
      '/sys/devices/system/clocksource/clocksource0/current_clocksource',
      'utf8',
    );
    assert.ok(said.of('clocksource').found.startsWith(`${clocksource.trim()}, `));
    const limit = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim();
    assert.equal(said.of('open_files').found, limit === 'unlimited' ? limit : `at most ${limit}`);
    const hasV2 = / cgroup2 /.test(readFileSync('/proc/mounts', 'utf8'));
    const hasV1 = / cgroup /.test(readFileSync('/proc/mounts', 'utf8'));
    const mode = hasV2 ? (hasV1 ? 'hybrid, ' : 'v2 at ') : 'v1 only';
    assert.ok(said.of('cgroups').found.startsWith(mode), said.of('cgroups').found);
    // PROC_PID_INIT_INO of include/linux/proc_ns.h.
    assert.equal(readlinkSync('/proc/self/ns/pid') === 'pid:[4026531836]', said.of('proc').status === 'ok');
  });

  it('asks for the tracepoints that the programs have in their sections, and for no other', () => {
    const declared = { connlat: HANDSHAKE_HOOKS, retrans: [...RETRANSMIT_HOOKS, ...SAMPLING_HOOKS] };
    for (const [command, hooks] of Object.entries(declared)) {
      const elf = execFileSync('readelf', ['-SW', path.join(ROOT, `dist/bpf/${command}.bpf.o`)], {
        encoding: 'utf8',
      });
      const sections = [...elf.matchAll(/\] (?:tp_btf|raw_tp)\/(\w+)/g)].map(([, name = '']) => name);
      assert.deepEqual(new Set(hooks.map(({ tracepoint }) => tracepoint)), new Set(sections), command);
    }
    assert.deepEqual(Object.keys(TRACERS), Object.keys(declared));
  });

  it('tells how many arguments each tracepoint has, as bpftool does', () => {
    const truth = tracepointsOfBtf();
    assert.ok(truth.size > 100);
    for (const { tracepoint } of Object.values(TRACERS).flatMap(({ hooks }) => hooks)) {
      const count = truth.get(tracepoint);
      const { found } = said.of(tracepoint);
      if (count === undefined) assert.equal(found, 'tracepoint: missing');
      else assert.match(found, new RegExp(`^tracepoint with ${count} arguments( of \\d)?$`));
    }
  });

  it('counts the programs that the commands load', () => {
    for (const [command, tracer] of Object.entries(TRACERS)) {
      const { attach, iterators } = tracer.programs();
      const expected = `${attach.length + iterators.length} programs accepted in `;
      assert.ok(said.of(`${command}_programs`).found.startsWith(expected));
    }
  });

  it('counts processes as /proc has them', () => {
    const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;
    const found = Number(/^(\d+) seen/.exec(said.of('processes').found)?.[1]);
    assert.ok(Math.abs(found - processes) < processes / 2, `${found} and ${processes}`);
  });

  it('counts the containers that processes are in', () => {
    const cgroups = new TestCgroups();
    const [, mount = ''] = /v2 at (\S+)$/.exec(said.of('cgroups').found) ?? [];
    const container = `tcpscope-doctor-${process.pid}/docker/${'c0ffee42'.repeat(8)}`;
    try {
      cgroups.make(container);
      const { of } = doctor(['connlat'], entering(path.join(mount, container)));
      const dockers = ({ found }: Line): number => Number(/(\d+) of docker/.exec(found)?.[1] ?? 0);
      assert.equal(dockers(of('containers')), dockers(said.of('containers')) + 1);
      assert.match(of('containers').found, /\d without a name$/);
      assert.equal(of('containers').status, 'warning');
    } finally {
      cgroups.removeAll();
    }
  });

  it('tells the limit of memory of the cgroup around it', () => {
    const [mount, limit] = existsSync('/sys/fs/cgroup/memory/memory.limit_in_bytes')
      ? (['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'] as const)
      : (['/sys/fs/cgroup', 'memory.max'] as const);
    if (limit === 'memory.max') writeFileSync(`${mount}/cgroup.subtree_control`, '+memory');
    const folder = `${mount}/tcpscope-doctor-${process.pid}`;
    mkdirSync(folder);
    try {
      writeFileSync(`${folder}/${limit}`, String(150 << 20));
      const { of } = doctor(['connlat'], entering(folder));
      assert.match(of('memory').found, / of 150 MiB used$/);
      assert.equal(of('memory').status, 'warning');
    } finally {
      rmdirSync(folder);
    }
  });

  it('of one command: only what that needs', () => {
    const { code, lines } = doctor(['connlat']);
    assert.equal(code, 0);
    assert.ok(lines.every(({ commands }) => commands.join() === 'connlat'));
    const names = lines.map(({ check }) => check);
    assert.ok(names.includes('connlat_programs') && !names.includes('retrans_programs'));
    assert.ok(!names.includes('tcp_retransmit_skb'));
  });

  it('of a command that has programs of others: what these need', () => {
    const checks = (words: string[]): string[] => doctor(words).lines.map(({ check }) => check);
    assert.deepEqual(checks(['health']), checks([]));
    assert.deepEqual(checks(['agent']), checks([]));
  });

  it('to a full disk: exit code 1 and the reason; to a reader that has gone: quietly', () => {
    const shell = (line: string): { status: number | null; stderr: string } =>
      spawnSync('bash', ['-c', `"$0" "$1" doctor connlat ${line}`, process.execPath, RUN], {
        encoding: 'utf8',
      });
    const full = shell('> /dev/full');
    assert.equal(full.status, 1);
    assert.match(full.stderr, /^tcpscope: The output cannot be written\.\nENOSPC[^\n]*\n[^\n]*\n$/);
    const gone = shell('| true');
    assert.equal(gone.stderr, '');
  });

  it('of a word that is no command: exit code 2 and the nearest', () => {
    const { status, stderr } = spawnSync(process.execPath, [RUN, 'doctor', 'retrasn'], { encoding: 'utf8' });
    assert.equal(status, 2);
    assert.match(stderr, /nearest: retrans/);
  });

  it('--host-root without a /proc below it: exit code 2', () => {
    const { status, stderr } = spawnSync(process.execPath, [RUN, 'doctor', '--host-root', '/usr'], {
      encoding: 'utf8',
    });
    assert.equal(status, 2);
    assert.match(stderr, /--host-root \/usr: there is no \/proc below it/);
  });
});
