/** How it starts where it may not, and how it ends: with the right exit code and nothing left behind. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { setImmediate } from 'node:timers/promises';
import { preflight } from '#tcpscope/kernel/preflight.js';
import { Failure } from '#tcpscope/model/failure.js';
import { Namespace, connect, listen, loop } from '#tcpscope/lab/network.js';
import { onHost } from '../features.js';
import { late } from '../slowdown.js';
import { ROOT, RUN, Tool, loadedPrograms, type RetransRow, type Row } from './tool.js';

/** Nobody may not look into every folder that a checkout is in: they see it on /mnt. */
const NOBODYS_RUN = '/mnt/bin/run.js';
const NOBODY = [
  ...['unshare', '-m', 'sh', '-c', `mount --bind '${ROOT}' /mnt; exec "$@"`, 'sh'],
  ...['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
];
/** What BPF needs and no more; the last lets it read /proc of other users, for the audit. */
const CAPABILITIES = '+bpf,+perfmon,+sys_ptrace';

/** A mount namespace of our own, in which a shell line changes what the program sees of the host. */
const seeing = (line: string): string[] => ['unshare', '-m', 'sh', '-c', `${line}; exec "$@"`, 'sh'];

describe('the end of connlat', () => {
  let host: Namespace;
  let loaded: number[];
  before(async () => {
    host = await Namespace.create('ends');
    await listen(host, '127.0.0.1', 9000);
  });
  beforeEach(() => {
    loaded = loadedPrograms();
  });
  afterEach(async () => {
    // The kernel frees a program some RCU grace periods after its last descriptor; mocha's time-out bounds the wait.
    while (loadedPrograms().length > loaded.length) await setImmediate();
    assert.deepEqual(loadedPrograms(), loaded, 'programs are left in the kernel');
  });
  after(() => host.destroy());

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    it(`${signal}: prints the rest and the summary, exit code 0`, async () => {
      const tool = await Tool.start(['connlat', '--json', '--netns', host.name]);
      assert.ok(loadedPrograms().length > loaded.length);
      await connect(host, '127.0.0.1', 9000, { count: 23 });
      const { code, stderr } = await tool.stop(signal);
      assert.equal(code, 0);
      assert.equal(tool.rows().length, 23);
      assert.match(stderr, /23 attempts in .*: 23 ok\n.*; 0 events lost/);
    });
  }

  it('kill -9: the kernel removes everything', async () => {
    const tool = await Tool.start(['connlat', '--netns', host.name]);
    const { signal } = await tool.stop('SIGKILL');
    assert.equal(signal, 'SIGKILL');
  });

  it('--count 5: five rows, then it ends by itself', async () => {
    const tool = await Tool.start(['connlat', '--json', '--netns', host.name, '--count', '5']);
    await connect(host, '127.0.0.1', 9000, { count: 23 });
    const { code } = await tool.wait();
    assert.equal(code, 0);
    assert.equal(tool.rows().length, 5);
  });

  it('--duration 300ms: ends by itself', async () => {
    const tool = Tool.spawn(['connlat', '--netns', host.name, '--duration', '300ms']);
    const { code, stderr } = await tool.wait();
    assert.equal(code, 0);
    const took = Number(/0 attempts in (\d+) ms/.exec(stderr)?.[1]);
    assert.ok(took >= 300 && took < 300 + late(100), stderr);
  });

  it('a closed pipe: ends quietly', async () => {
    const node = process.execPath;
    const pipeline = `"$1" "$2" connlat --json --netns "$3" | head -n 3`;
    const tool = host.spawn('bash', ['-o', 'pipefail', '-c', pipeline, 'bash', node, RUN, host.name]);
    const ended = new AbortController();
    void tool.exited.then(() => {
      ended.abort();
    });
    // Whoever writes to a pipe learns that it is closed only by writing: connect until it has ended.
    while (!ended.signal.aborted) await connect(host, '127.0.0.1', 9000);
    const { stdout, stderr } = tool;
    const { code: status } = await tool.exited;
    assert.equal(status, 0);
    assert.equal(stdout.trimEnd().split('\n').length, 3);
    assert.match(stderr, /^Tracing[^\n]*\n$/);
  });

  it('a full disk: exit code 1 and the reason', async () => {
    const shell = `exec ${process.execPath} ${RUN} connlat --json --netns ${host.name} > /dev/full`;
    const tool = host.spawn('bash', ['-c', `(${shell}) 2>&1`]);
    while (!tool.stdout.includes('Tracing')) await tool.nextLine();
    await connect(host, '127.0.0.1', 9000);
    const { code } = await tool.exited;
    assert.equal(code, 1);
    assert.match(tool.stdout, /tcpscope: The output cannot be written\.\nENOSPC[^\n]*\n[^\n]*\n$/);
  });

  it('works beside a second instance, which sees the same', async () => {
    const [one, two] = await Promise.all([
      Tool.start(['connlat', '--json', '--netns', host.name]),
      Tool.start(['connlat', '--json', '--netns', host.name]),
    ]);
    await connect(host, '127.0.0.1', 9000, { count: 23 });
    await Promise.all([one.stop(), two.stop()]);
    assert.equal(one.rows().length, 23);
    assert.equal(two.rows().length, 23);
  });

  it('works as nobody with CAP_BPF and CAP_PERFMON', async () => {
    const wrapper = [
      ...NOBODY,
      `--inh-caps=${CAPABILITIES}`,
      `--ambient-caps=${CAPABILITIES}`,
      `--bounding-set=-all,${CAPABILITIES}`,
    ];
    const tool = await Tool.start(['connlat', '--json'], { wrapper, program: NOBODYS_RUN });
    await loop(23, 9001, {}, host);
    const { code, stderr } = await tool.stop();
    assert.equal(code, 0, stderr);
    assert.equal(tool.rows().filter(({ netns }) => netns === host.inode).length, 23);
    assert.match(stderr, /agrees with the kernel/);
  });
});

describe('a host on which connlat cannot work', () => {
  const run = (args: readonly string[], wrapper: readonly string[] = [], program = RUN) => {
    const [command = '', ...rest] = [...wrapper, process.execPath, program, ...args];
    const { status, stdout, stderr } = spawnSync(command, rest, { encoding: 'utf8' });
    assert.equal(stdout, '');
    assert.doesNotMatch(stderr, /\n {4}at /, 'a stack trace');
    return { status, stderr, lines: stderr.trimEnd().split('\n') };
  };

  it('nobody: exit code 77 and the very command', () => {
    const { status, stderr, lines } = run(['connlat', '--comm', 'two words'], NOBODY, NOBODYS_RUN);
    assert.equal(status, 77);
    assert.equal(lines.length, 3);
    assert.ok(
      stderr.includes(`Run: sudo ${process.execPath} ${NOBODYS_RUN} connlat --comm 'two words'`),
      stderr,
    );
  });

  it('no BTF: exit code 69, what is needed and what still works', () => {
    const { status, stderr, lines } = run(['connlat'], seeing('mount -t tmpfs tmpfs /sys/kernel/btf'));
    assert.equal(status, 69);
    assert.equal(lines.length, 3);
    assert.match(stderr, /BTF.*\n.*5\.10.*CONFIG_DEBUG_INFO_BTF.*\n.*ss -ti/);
  });

  it('an old kernel, without the tracepoint: exit code 69 and its name', () => {
    assert.throws(
      () => {
        preflight(['inet_sock_set_state', 'tcp_of_tomorrow']);
      },
      (error: unknown) =>
        error instanceof Failure && error.exitCode === 69 && error.what.includes('tcp_of_tomorrow'),
    );
  });

  it('lockdown=confidentiality: exit code 69', () => {
    const line =
      'mount -t tmpfs tmpfs /sys/kernel/security && echo "none integrity [confidentiality]" > /sys/kernel/security/lockdown';
    const { status, stderr } = run(['connlat'], seeing(line));
    assert.equal(status, 69);
    assert.match(stderr, /lockdown=confidentiality/);
  });

  it('--sync-errors without tracefs: exit code 69 and the mount command', () => {
    const line =
      'umount -l /sys/kernel/tracing /sys/kernel/debug 2>/dev/null; mount -t tmpfs tmpfs /sys/kernel/debug';
    const { status, stderr } = run(['connlat', '--sync-errors'], seeing(line));
    assert.equal(status, 69);
    assert.match(stderr, /mount -t tracefs/);
  });

  const wrong: [args: string, says: RegExp][] = [
    ['--portt 80', /Nonexistent flag: --portt\nDid you mean --port\?/],
    ['--port 99999', /--port 99999: must be a whole number from 1 to 65535/],
    ['--pid x', /--pid x: must be a whole number/],
    ['--addr 10.0.0/8', /--addr 10.0.0\/8: not an address or network/],
    ['--addr 10.0.0.0/33', /at most 32/],
    ['--addr fe80::1%eth0', /not an address/],
    ['--duration 5', /"5" is not a duration.*250ms/],
    ['--interval 1ms', /at least 100ms/],
    ['--count 0', /--count 0/],
    ['--by remot', /remot.*remote/],
    ['--by subnet:200', /subnet/],
    ['--columns laten', /nearest: latency_us/],
    ['--by remote --sort p5', /nearest: p50_us/],
    ['--sort pid', /--sort needs a table/],
    ['--hist --columns pid', /--columns has no meaning/],
    ['--top 3', /--top needs groups/],
    ['--by remote,remote', /given twice/],
    ['--hist --pending soon', /"soon" is not a duration/],
    ['--comm=', /--comm: the name is empty/],
    ['--by remote --top 0', /at least 1/],
    ['--json --csv', /--csv/],
    ['-4 -6', /ipv/],
    ['--netns nowhere', /there is no such network namespace/],
    ['--uid nobdy', /nearest: nobody/],
    ['--time noon', /--time/],
    ['--transport pigeon', /--transport/],
    ['extra', /extra/],
  ];
  for (const [args, says] of wrong) {
    // Flags are checked before the kernel is asked anything.
    onHost.it(`${args}: exit code 2 and what is right`, () => {
      const { status, stderr, lines } = run(['connlat', ...args.split(' ')]);
      assert.equal(status, 2, stderr);
      assert.match(stderr, says);
      assert.ok(lines.length <= 3, stderr);
    });
  }
});

describe('tcpscope demo', () => {
  const namespaces = (): string => execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' });

  /** The rows of a demo, which leaves neither namespaces nor programs behind. */
  function demo<R>(...args: string[]): R[] {
    const [before, loaded] = [namespaces(), loadedPrograms()];
    const { status, stdout, stderr } = spawnSync(process.execPath, [RUN, 'demo', ...args], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.equal(namespaces(), before);
    assert.deepEqual(loadedPrograms(), loaded);
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as R);
  }

  it('shows every fate and removes its namespaces and programs', () => {
    const fates = new Set(
      demo<Row>('--json', '--duration', '4s')
        .filter(({ result }) => result !== 'pending')
        .map(({ comm, result }) => `${comm} ${result}`),
    );
    assert.deepEqual(
      fates,
      new Set(['fast ok', 'slow ok', 'refused refused', 'unlucky ok', 'hopeless abandoned']),
    );
  });

  it('retrans: shows every kind, by whom it is meant to be', () => {
    const rows = demo<RetransRow>('retrans', '--json', '--duration=6s', '--columns', 'comm,kind');
    const fates = new Set(rows.map(({ comm, kind }) => `${comm} ${kind}`));
    for (const fate of [
      ...['bulk fast', 'tail tlp', 'syn-lost syn', 'synack-lost synack', 'waiting syn', 'outage rto'],
    ])
      assert.ok(fates.delete(fate), fate);
    // What was opened before the tool began may have no owner. An outage may end in several ways.
    assert.deepEqual(
      [...fates].filter((fate) => /^(bulk|tail|syn-lost|synack-lost|waiting) /.test(fate)),
      [],
    );
  });

  it('has no other command', () => {
    const { status, stderr } = spawnSync(process.execPath, [RUN, 'demo', 'demo'], { encoding: 'utf8' });
    assert.equal(status, 2, stderr);
    assert.match(stderr, /connlat, retrans/);
  });
});
