/** Every filter: what it must keep and what it must drop, by counts that are known. */
import assert from 'node:assert/strict';
import { Namespace, TRAFFIC, connect, listen } from '#tcpscope/lab/network.js';
import { trace } from './tool.js';

/** Connections of the traffic below, each kind with its own prime count. */
const KINDS = {
  plain: 2,
  otherPort: 3,
  otherAddress: 5,
  ipv6: 7,
  mapped: 11,
  fromPort: 1,
  named: 13,
} as const;
type Kind = keyof typeof KINDS;
const ALL = Object.keys(KINDS) as Kind[];

const sum = (kinds: readonly Kind[]): number => kinds.reduce((total, kind) => total + KINDS[kind], 0);
const except = (...dropped: Kind[]): Kind[] => ALL.filter((kind) => !dropped.includes(kind));

describe('filters of connlat', () => {
  let host: Namespace;
  let other: Namespace;
  before(async () => {
    host = await Namespace.create('filters');
    other = await Namespace.create('elsewhere');
    for (const namespace of [host, other]) {
      await listen(namespace, '127.0.0.1', 9000);
      await listen(namespace, '127.0.0.1', 9001);
      await listen(namespace, '127.0.0.2', 9000);
      await listen(namespace, '::1', 9000);
    }
  });
  after(async () => {
    await host.destroy();
    await other.destroy();
  });

  /** One connection at a time, so that the port of `fromPort` is free; gives the process of `plain`. */
  async function traffic(namespace: Namespace): Promise<number> {
    const { pid } = await connect(namespace, '127.0.0.1', 9000, { count: KINDS.plain });
    await connect(namespace, '127.0.0.1', 9001, { count: KINDS.otherPort });
    await connect(namespace, '127.0.0.2', 9000, { count: KINDS.otherAddress, source: '127.0.0.3' });
    await connect(namespace, '::1', 9000, { count: KINDS.ipv6 });
    await connect(namespace, '127.0.0.1', 9000, { count: KINDS.mapped, mapped: true });
    await connect(namespace, '127.0.0.1', 9000, { count: KINDS.fromPort, sourcePort: 20_001, reset: true });
    await connect(namespace, '127.0.0.1', 9000, { count: KINDS.named, name: 'prometheus-serv' });
    return pid;
  }

  const cases: [flags: string, keeps: Kind[]][] = [
    ['', ALL],
    ['--port 9001', ['otherPort']],
    ['--port 9000,9001', ALL],
    ['--exclude-port 9001', except('otherPort')],
    ['--exclude-port 9001 --exclude-port 9000', []],
    ['--local-port 20001', ['fromPort']],
    ['--addr 127.0.0.2', ['otherAddress']],
    ['--addr 127.0.0.2/31', ['otherAddress']],
    ['--addr 127.0.0.0/8', except('ipv6')],
    ['--addr ::ffff:127.0.0.2', ['otherAddress']],
    ['--addr ::1', ['ipv6']],
    ['--addr ::/0', ['ipv6']],
    ['--addr 0.0.0.0/0', except('ipv6')],
    ['--addr 127.0.0.2,::1', ['otherAddress', 'ipv6']],
    ['--addr 10.0.0.0/8', []],
    ['--exclude-addr 127.0.0.2', except('otherAddress')],
    ['--exclude-addr 127.0.0.0/8', ['ipv6']],
    ['--local-addr 127.0.0.3', ['otherAddress']],
    ['--local-addr 127.0.0.0/31,::1/128', except('otherAddress')],
    ['-4', except('ipv6')],
    ['-6', ['ipv6']],
    ['--comm traffic', except('named')],
    ['--comm prometheus-server', ['named']],
    ['--comm prometheus-serv,traffic', ALL],
    ['--comm prometheus', []],
    ['--uid 0', ALL],
    ['--uid root', ALL],
    ['--uid 1,2', []],
    ['--min-latency 0', ALL],
    ['--min-latency 10s', []],
    ['--port 9000 -4 --exclude-addr 127.0.0.2 --comm traffic', ['plain', 'mapped', 'fromPort']],
  ];
  for (const [flags, keeps] of cases) {
    it(`${flags === '' ? 'none' : flags}: ${sum(keeps)} of ${sum(ALL)}`, async () => {
      const args = ['--netns', host.name, ...flags.split(' ').filter((word) => word !== '')];
      const { rows } = await trace(args, () => traffic(host));
      assert.equal(rows.length, sum(keeps));
    });
  }

  it('--pid: only that process', async () => {
    // A process whose id is known before it connects: it stops itself and becomes the traffic when it is continued.
    const program = [TRAFFIC, 'connect', '127.0.0.1', '9000', '--count=4'];
    const process = host.spawn('sh', ['-c', 'echo ready; kill -STOP $$; exec "$@"', 'sh', ...program]);
    await process.nextLine();
    const { rows } = await trace(['--pid', `1,${process.pid}`], async () => {
      await connect(host, '127.0.0.1', 9000, { count: 3 });
      process.kill('SIGCONT');
      await process.output();
    });
    assert.deepEqual(new Set(rows.map(({ pid }) => pid)), new Set([process.pid]));
    assert.equal(rows.length, 4);
  });

  it('--netns by name, path, inode and as a list', async () => {
    const runs: [value: string, expected: number][] = [
      [host.name, 1],
      [host.path, 1],
      [String(host.inode), 1],
      [`${host.name},${other.name}`, 2],
    ];
    for (const [value, expected] of runs) {
      const { rows } = await trace(['--netns', value], async () => {
        await connect(host, '127.0.0.1', 9000);
        await connect(other, '127.0.0.1', 9000);
      });
      assert.equal(rows.length, expected, value);
    }
  });

  it('--min-latency drops what is faster, with nothing left in the in-flight map', async () => {
    const { rows } = await trace(
      ['--netns', host.name, '--min-latency', '1s', '--pending', '50ms'],
      async () => {
        await connect(host, '127.0.0.1', 9000, { count: 50 });
      },
    );
    assert.deepEqual(rows, []);
  });

  it('takes 32 entries in a list and refuses 33 with exit code 2', async () => {
    const ports = (count: number): string => Array.from({ length: count }, (_, index) => 8000 + index).join();
    const { rows } = await trace(['--netns', host.name, '--port', `${ports(31)},9001`], () => traffic(host));
    assert.equal(rows.length, KINDS.otherPort);
    await assert.rejects(
      trace(['--port', ports(33)], () => Promise.resolve()),
      /at most 32/,
    );
  });
});
