/** With the resolver of Node and a real server on loopback. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import path from 'node:path';
import { ReverseNames, toHostName, type ReverseNamesOptions } from '#tcpscope/host/reverse-names.js';
import { NameServer, NXDOMAIN, SERVFAIL } from './name-server.js';

const SECOND = 1e9;

/** Lets a test wait until look-ups have ended, by counting how the resolver's promises settle. */
class CountingResolver {
  settled = 0;
  private waiting: (() => void)[] = [];
  private readonly resolver = new Resolver({ timeout: 200, tries: 1 });

  constructor(server: NameServer) {
    this.resolver.setServers([server.address]);
  }

  async reverse(address: string): Promise<string[]> {
    try {
      return await this.resolver.reverse(address);
    } finally {
      this.settled += 1;
      // What waits for the names goes on before what waits here.
      setImmediate(() => {
        for (const go of this.waiting.splice(0)) go();
      });
    }
  }

  async untilSettled(count: number): Promise<void> {
    while (this.settled < count) await new Promise<void>((go) => this.waiting.push(go));
    await new Promise(setImmediate);
  }

  cancel(): void {
    this.resolver.cancel();
  }
}

describe('reverse names', () => {
  let server: NameServer;
  let resolver: CountingResolver;
  let open: ReverseNames[] = [];
  beforeEach(async () => {
    server = await NameServer.start();
    resolver = new CountingResolver(server);
  });
  afterEach(() => {
    for (const names of open) names.close();
    open = [];
    server.close();
  });

  function create(options: ReverseNamesOptions = {}): ReverseNames {
    const names = new ReverseNames({ resolver, ...options });
    open.push(names);
    return names;
  }

  it('are not there when first asked for, and are there later, without asking again', async () => {
    server.set('192.0.2.1', { names: ['db-1.example.com'] });
    const told: string[][] = [];
    const names = create({ onName: (address, name) => told.push([address, name]) });
    assert.equal(names.of('192.0.2.1', 0), undefined);
    assert.equal(names.of('192.0.2.1', 0), undefined);
    await resolver.untilSettled(1);
    assert.equal(names.of('192.0.2.1', SECOND), 'db-1.example.com');
    assert.deepEqual(told, [['192.0.2.1', 'db-1.example.com']]);
    assert.deepEqual(server.asked, ['1.2.0.192.in-addr.arpa']);
  });

  it('that have expired are still given while they are looked up again', async () => {
    server.set('192.0.2.1', { names: ['old.example.com'] });
    const names = create({ ttlNs: 10 * SECOND });
    names.of('192.0.2.1', 0);
    await resolver.untilSettled(1);
    server.set('192.0.2.1', { names: ['new.example.com'] });
    assert.equal(names.of('192.0.2.1', 10 * SECOND - 1), 'old.example.com');
    assert.equal(server.asked.length, 1);
    assert.equal(names.of('192.0.2.1', 10 * SECOND), 'old.example.com');
    await resolver.untilSettled(2);
    assert.equal(names.of('192.0.2.1', 10 * SECOND), 'new.example.com');
    assert.equal(server.asked.length, 2);
  });

  it('stay for a while when the server has none any more, or does not answer', async () => {
    server.set('192.0.2.1', { names: ['one.example.com'] });
    const names = create({ ttlNs: SECOND, negativeTtlNs: SECOND, staleNs: 3 * SECOND });
    names.of('192.0.2.1', 0);
    await resolver.untilSettled(1);
    server.set('192.0.2.1', { code: SERVFAIL });
    for (const [at, expected] of ['one.example.com', 'one.example.com', undefined].entries()) {
      names.of('192.0.2.1', (at + 1) * SECOND);
      await resolver.untilSettled(at + 2);
      assert.equal(names.of('192.0.2.1', (at + 1) * SECOND), expected);
    }
    server.set('192.0.2.1', { names: ['back.example.com'] });
    names.of('192.0.2.1', 4 * SECOND);
    await resolver.untilSettled(5);
    assert.equal(names.of('192.0.2.1', 4 * SECOND), 'back.example.com');
  });

  it('that are not there, or not to be had, are not asked for again until their time is over', async () => {
    server.set('192.0.2.1', { code: NXDOMAIN });
    server.set('192.0.2.2', { code: SERVFAIL });
    server.set('192.0.2.3', { bytes: Buffer.from('no DNS at all, whatever it is') });
    server.set('192.0.2.4', 'silence');
    server.set('192.0.2.5', { names: [] });
    const names = create({ negativeTtlNs: SECOND });
    const addresses = [1, 2, 3, 4, 5].map((last) => `192.0.2.${last}`);
    for (const address of addresses) names.of(address, 0);
    await resolver.untilSettled(5);
    for (const address of addresses) assert.equal(names.of(address, SECOND - 1), undefined);
    assert.equal(new Set(server.asked).size, 5);
    const before = server.asked.length;
    for (const address of addresses) names.of(address, SECOND);
    await server.untilAsked(before + 5);
  });

  it('that are no names of hosts are not shown', async () => {
    const answers: (string | Buffer)[] = [
      Buffer.from('\u001b[31mred'),
      Buffer.from('two words'),
      Buffer.from('a\nb'),
      Buffer.from([0xff, 0xfe, 0x80]),
      Buffer.from('<script>'),
      '10.1.2.3',
    ];
    const names = create();
    for (const [at, answer] of answers.entries()) {
      server.set(`192.0.2.${at}`, { names: [answer] });
      names.of(`192.0.2.${at}`, 0);
    }
    server.set('192.0.2.100', { names: [Buffer.from('\u0007'), 'good.example.com'] });
    names.of('192.0.2.100', 0);
    await resolver.untilSettled(answers.length + 1);
    for (const at of answers.keys())
      assert.equal(names.of(`192.0.2.${at}`, 0), undefined, String(answers[at]));
    assert.equal(names.of('192.0.2.100', 0), 'good.example.com');
  });

  it('are looked up so many at once, and only so many wait', async () => {
    const started: string[] = [];
    const ends: (() => void)[] = [];
    const slow = {
      reverse: (address: string): Promise<string[]> => {
        started.push(address);
        return new Promise((resolve) =>
          ends.push(() => {
            resolve(['name.example.com']);
          }),
        );
      },
      cancel: () => undefined,
    };
    const names = create({ resolver: slow, concurrency: 3, queueLimit: 5 });
    for (let last = 0; last < 100; last++) names.of(`192.0.2.${last}`, 0);
    assert.equal(started.length, 3);
    while (ends.length > 0) {
      ends.shift()?.();
      await new Promise(setImmediate);
      assert.ok(ends.length <= 3);
    }
    assert.equal(started.length, 8);
    assert.equal(names.of('192.0.2.7', 0), 'name.example.com');
    assert.equal(names.of('192.0.2.8', 0), undefined, 'found no room before');
    assert.equal(started.at(-1), '192.0.2.8');
  });

  it('are remembered for so many addresses, the newest', async () => {
    for (let last = 0; last < 20; last++) server.set(`192.0.2.${last}`, { names: [`n${last}.example.com`] });
    const names = create({ limit: 10, concurrency: 1 });
    for (let last = 0; last < 20; last++) names.of(`192.0.2.${last}`, 0);
    await resolver.untilSettled(20);
    for (let last = 10; last < 20; last++)
      assert.equal(names.of(`192.0.2.${last}`, 0), `n${last}.example.com`);
    assert.equal(names.of('192.0.2.9', 0), undefined);
  });

  it('that were looked up again count as new', async () => {
    for (let last = 0; last < 4; last++) server.set(`192.0.2.${last}`, { names: [`n${last}.example.com`] });
    const names = create({ limit: 3, ttlNs: SECOND, concurrency: 1 });
    const nameOf = (last: number): string | undefined => names.of(`192.0.2.${last}`, 0);
    for (const last of [0, 1, 2]) nameOf(last);
    await resolver.untilSettled(3);
    for (const last of [1, 0]) names.of(`192.0.2.${last}`, SECOND);
    await resolver.untilSettled(5);
    assert.deepEqual(
      [0, 1, 2].filter((last) => nameOf(last) === undefined),
      [],
      'none made room',
    );
    nameOf(3);
    await resolver.untilSettled(6);
    assert.deepEqual(
      [3, 0, 1, 2].filter((last) => nameOf(last) === undefined),
      [2],
    );
  });

  it('do not wait for a resolver that never ends', async () => {
    let calls = 0;
    const stuck = {
      reverse: () => {
        calls += 1;
        return new Promise<string[]>(() => undefined);
      },
      cancel: () => undefined,
    };
    const names = create({ resolver: stuck, concurrency: 1, timeLimitMs: 1 });
    names.of('192.0.2.1', 0);
    names.of('192.0.2.2', 0);
    // The time limit's own timer keeps nothing alive, so the test looks at each turn of the loop.
    while (calls < 2) await new Promise(setImmediate);
    assert.equal(names.of('192.0.2.1', 0), undefined);
  });

  it('of what is no address are none', async () => {
    const names = create();
    assert.equal(names.of('no address', 0), undefined);
    await resolver.untilSettled(1);
    assert.equal(names.of('no address', 0), undefined);
    assert.equal(resolver.settled, 1);
    assert.equal(server.asked.length, 0);
  });

  it('end with close(): what is known stays, and nothing more is asked', async () => {
    server.set('192.0.2.1', { names: ['known.example.com'] });
    server.set('192.0.2.2', 'silence');
    const names = create({ concurrency: 1 });
    names.of('192.0.2.1', 0);
    names.of('192.0.2.2', 0);
    names.of('192.0.2.3', 0);
    await server.untilAsked(2);
    names.close();
    names.close();
    await resolver.untilSettled(2);
    assert.equal(names.of('192.0.2.1', 1e18), 'known.example.com');
    names.of('192.0.2.4', 0);
    await new Promise(setImmediate);
    assert.equal(server.asked.length, 2);
  });

  it('keep no process alive once closed', async () => {
    server.set('192.0.2.1', 'silence');
    const module = path.resolve(import.meta.dirname, '../../../dist/host/reverse-names.js');
    const code = `
      import { Resolver } from 'node:dns/promises';
      import { ReverseNames } from ${JSON.stringify(module)};
      const resolver = new Resolver({ timeout: 5000, tries: 100 });
      resolver.setServers([${JSON.stringify(server.address)}]);
      const names = new ReverseNames({ resolver, timeLimitMs: 3_600_000 });
      names.of('192.0.2.1', 0);
      process.stdin.once('data', () => { names.close(); process.stdin.destroy(); });
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['pipe', 'inherit', 'inherit'],
      timeout: 15_000,
    });
    await server.untilAsked(1);
    child.stdin.write('close\n');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });
});

describe('the name of a host', () => {
  it('is that of the answer, without the dot at its end', () => {
    for (const name of [
      'a',
      'db-1.example.com',
      '_x._tcp.example.com',
      'xn--mnchen-3ya.de',
      '1-2.example.c0m',
    ])
      assert.equal(toHostName(`${name}.`), name);
  });

  it('is nothing that a terminal or a reader could take for something else', () => {
    const long = `${'a'.repeat(60)}.`.repeat(5);
    for (const text of [
      '',
      '.',
      'a..b',
      '-a.b',
      'a-.b',
      'a b',
      'ä.de',
      '10.0.0.1',
      'x.1',
      '\u001b[0m',
      'a\\007b',
    ])
      assert.equal(toHostName(text), undefined, text);
    for (const text of [long, `${'a'.repeat(64)}.com`, 'fe80::1', 'a\u202eb.com', 'a/b.com'])
      assert.equal(toHostName(text), undefined, text);
  });
});
