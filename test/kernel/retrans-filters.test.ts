/** Filters of retrans: what they must keep and what they must drop, by counts that are known. */
import assert from 'node:assert/strict';
import { CLIENT, Network, SERVER, connect, listen, type ConnectSummary } from '#tcpscope/lab/network.js';
import { onHost } from '../features.js';
import { traceRetrans, type RetransRow } from './tool.js';

const SEND = { send: 20_000 };
/** Connections of each kind; each has one retransmission, on the client's side but for `server`. */
const KINDS = {
  plain: 2,
  otherPort: 3,
  ipv6: 5,
  mapped: 7,
  named: 11,
  server: 1,
  syn: 1,
  synack: 1,
} as const;
type Kind = keyof typeof KINDS;
const ALL = Object.keys(KINDS) as Kind[];
const CLIENTS: Kind[] = ['plain', 'otherPort', 'ipv6', 'mapped', 'named'];

const sum = (kinds: readonly Kind[]): number => kinds.reduce((total, kind) => total + KINDS[kind], 0);
const except = (...dropped: Kind[]): Kind[] => ALL.filter((kind) => !dropped.includes(kind));

describe('filters of retrans', function () {
  this.timeout(30_000);
  let network: Network;
  let both: string;

  before(async () => {
    network = await Network.create({
      delayUs: 2000,
      drop: ['data-3:9000', 'data-3:9001', 'server-data-3:9002', 'first-syn:9003', 'first-synack:9004'],
    });
    both = `${network.client.name},${network.server.name}`;
    await listen(network.server, SERVER.ipv4, 9000, { close: true });
    await listen(network.server, SERVER.ipv6, 9000, { close: true });
    await listen(network.server, SERVER.ipv4, 9001, { close: true });
    await listen(network.server, SERVER.ipv4, 9002, { close: true, send: 20_000, name: 'server' });
    await listen(network.server, SERVER.ipv4, 9003, { close: true });
    await listen(network.server, SERVER.ipv4, 9004, { close: true, name: 'answering' });
  });
  after(() => network.destroy());

  /** Gives the process of `plain`. */
  async function traffic(): Promise<ConnectSummary> {
    const { client } = network;
    const [plain] = await Promise.all([
      connect(client, SERVER.ipv4, 9000, { ...SEND, count: KINDS.plain }),
      connect(client, SERVER.ipv4, 9001, { ...SEND, count: KINDS.otherPort }),
      connect(client, SERVER.ipv6, 9000, { ...SEND, count: KINDS.ipv6 }),
      connect(client, SERVER.ipv4, 9000, { ...SEND, count: KINDS.mapped, mapped: true }),
      connect(client, SERVER.ipv4, 9000, { ...SEND, count: KINDS.named, name: 'prometheus-server' }),
      connect(client, SERVER.ipv4, 9002, { receive: true, count: KINDS.server }),
      connect(client, SERVER.ipv4, 9003, { count: KINDS.syn }),
      connect(client, SERVER.ipv4, 9004, { count: KINDS.synack }),
    ]);
    return plain;
  }

  /** The SYN that a lost SYN-ACK has sent again, and the SYN-ACK that answers it, are beside the point. */
  const counted = (rows: readonly RetransRow[]): number =>
    rows.filter((row) => {
      if (row.kind === 'syn') return row.remote_port === 9003;
      return row.kind !== 'synack' || row.try === 1;
    }).length;

  const cases: [flags: string, keeps: Kind[]][] = [
    ['', ALL],
    ['--port 9000', ['plain', 'ipv6', 'mapped', 'named']],
    ['--port 9001,9003', ['otherPort', 'syn']],
    ['--exclude-port 9000', ['otherPort', 'server', 'syn', 'synack']],
    ['--local-port 9002,9004', ['server', 'synack']],
    [`--addr ${SERVER.ipv4}`, except('ipv6', 'server', 'synack')],
    [`--addr ${CLIENT.ipv4}/32`, ['server', 'synack']],
    ['--addr 10.77.0.0/16', except('ipv6')],
    ['--addr ::/0', ['ipv6']],
    [`--exclude-addr ${SERVER.ipv4}`, ['ipv6', 'server', 'synack']],
    [`--local-addr ${SERVER.ipv4}`, ['server', 'synack']],
    [`--local-addr ${CLIENT.ipv6}/64`, ['ipv6']],
    ['-4', except('ipv6')],
    ['-6', ['ipv6']],
    ['--comm traffic', ['plain', 'otherPort', 'ipv6', 'mapped', 'syn']],
    ['--comm prometheus-server', ['named']],
    ['--comm server,answering', ['server', 'synack']],
    ['--comm nobody', []],
    ['--uid 0', ALL],
    ['--uid 1', []],
    ['--kind fast', [...CLIENTS, 'server']],
    ['--kind syn', ['syn']],
    ['--kind SYN,synack', ['syn', 'synack']],
    ['--kind rto,tlp,loss', []],
    ['--state syn-sent', ['syn']],
    ['--state SYN_RECV', ['synack']],
    ['--state estab,fin-wait-1,close-wait,last-ack', [...CLIENTS, 'server']],
    ['--min-latency 900ms', ['syn', 'synack']],
    ['--min-latency 10s', []],
    ['--kind fast --port 9000 -4 --comm traffic', ['plain', 'mapped']],
  ];
  // These are the same code in both commands (filter.h): other kernels run it in test/kernel/filters.
  const isShared = (flags: string): boolean =>
    /^(--(exclude-)?(port|addr)|--local-|-[46]$|--uid)/.test(flags);
  for (const [flags, keeps] of cases) {
    (isShared(flags) ? onHost.it : it)(
      `${flags === '' ? 'none' : flags}: ${sum(keeps)} of ${sum(ALL)}`,
      async () => {
        const { rows } = await traceRetrans(['--netns', both, ...flags.split(' ').filter(Boolean)], traffic);
        assert.equal(
          counted(rows),
          sum(keeps),
          JSON.stringify(rows.map((row) => [row.kind, row.comm, row.state])),
        );
      },
    );
  }

  it('--netns: of one end only', async () => {
    const { rows } = await traceRetrans(['--netns', network.server.name], traffic);
    assert.equal(counted(rows), sum(['server', 'synack']));
  });

  it('--pid: a server that is older than the tool, whose owner the kernel side has to look for', async () => {
    const older = await listen(network.server, SERVER.ipv4, 9010, { close: true });
    const { rows } = await traceRetrans(['--netns', both, '--pid', String(older.pid)], traffic);
    assert.deepEqual(rows, []);
    await older.stop();
  });

  it('refuses what makes no sense, with the nearest choice', async () => {
    for (const [flags, message] of [
      ['--kind fasst', /nearest: fast/],
      ['--state establisht', /nearest: ESTABLISHED/],
      ['--state listen', /valid: ESTABLISHED, SYN_SENT/],
      ['--by remot', /keys: remote, /],
      ['--columns sec', /nearest: seq/],
    ] as const) {
      await assert.rejects(
        traceRetrans(flags.split(' '), () => Promise.resolve()),
        message,
      );
    }
  });
});
