/** Lines for machines are the same whether their parts were kept or not. */
import assert from 'node:assert/strict';
import type { Column, Plain, TextContext } from '#tcpscope/model/column.js';
import type { Place, Workload } from '#tcpscope/model/attribution.js';
import type { Flow } from '#tcpscope/model/flow.js';
import { OUTCOMES } from '#tcpscope/model/handshake.js';
import { KINDS } from '#tcpscope/model/retransmit.js';
import { machineColumns } from '#tcpscope/model/select.js';
import { handshakeColumns } from '#tcpscope/view/handshake-columns.js';
import { itemWriter } from '#tcpscope/view/item-line.js';
import { CSV_FORMAT, JSON_FORMAT, numberText } from '#tcpscope/view/machine.js';
import { retransmitColumns } from '#tcpscope/view/retransmit-columns.js';
import { handshake } from './handshakes.js';
import { randomDuration, seededRandom } from './random.js';
import { retransmit } from './retransmits.js';

const CONTEXT: TextContext = { clockOffsetNs: 1.7e18, timeFormat: 'utc', startedNs: 0 };
const ITEMS = 4000;
/** More texts than a writer keeps. */
const MANY = 10_000;

const WORKLOADS: (Workload | undefined)[] = [
  undefined,
  ...['web', 'say "hi"', 'µ,\\'].map((name) => ({
    name,
    cgroup: `/${name}`,
    containerId: undefined,
    container: name,
    pod: name,
    namespace: 'shop',
    unit: undefined,
  })),
];
const PLACES: (Place | undefined)[] = [
  undefined,
  { region: undefined, role: undefined, external: true },
  { region: 'eu', role: 'db', external: false },
];

/** Flows of which many have much in common. */
function randomFlows(random: () => number): () => Partial<Flow> {
  const below = (limit: number): number => Math.floor(random() * limit);
  const oneOf = <T>(values: readonly T[]): T => values[below(values.length)]!;
  return () => ({
    pid: below(4),
    comm: oneOf(['puma', 'a "b"', 'été', '']),
    uid: below(3),
    netns: 4_026_531_840 + below(3),
    netnsName: oneOf([undefined, 'host', 'blue']),
    cgroupId: below(4),
    localAddress: oneOf(['10.0.0.1', '::', '2001:db8::1']),
    localPort: below(3),
    remoteAddress: below(10) > 0 ? `10.0.0.${below(99)}` : `2001:db8::${below(99)}`,
    remotePort: oneOf([443, 6379, 9000]),
    workload: oneOf(WORKLOADS),
    localPlace: oneOf(PLACES),
    remotePlace: oneOf(PLACES),
    remoteName: oneOf([undefined, 'db.example', 'db2.example']),
    service: oneOf([undefined, 'https']),
    host: oneOf([undefined, 'a', 'b']),
  });
}

/** What each column says, without anything that is kept. */
function plainJson<Item>(columns: readonly Column<Item>[], item: Item): string {
  return `${JSON.stringify(Object.fromEntries(columns.map(({ key, value }) => [key, value!(item, CONTEXT)])))}\n`;
}

describe('lines of items', () => {
  it('say of handshakes what JSON.stringify() says of their values', () => {
    const random = seededRandom(6);
    const flow = randomFlows(random);
    const columns = machineColumns(handshakeColumns('utc'));
    const write = itemWriter(JSON_FORMAT, columns);
    for (let count = 0; count < ITEMS; count++) {
      const attempt = handshake({
        ...flow(),
        endNs: 1e9 + randomDuration(random, 40),
        outcome: OUTCOMES[Math.floor(random() * OUTCOMES.length)]!,
        errno: Math.floor(random() * 3) * 55,
        wireUs: Math.floor(random() * 3),
        syns: Math.floor(random() * 3),
      });
      assert.equal(write(attempt, CONTEXT), plainJson(columns, attempt));
    }
  });

  it('say the same of retransmissions', () => {
    const random = seededRandom(7);
    const flow = randomFlows(random);
    const columns = machineColumns(retransmitColumns('utc', 'relative'));
    const write = itemWriter(JSON_FORMAT, columns);
    for (let count = 0; count < ITEMS; count++) {
      const segment = retransmit({
        ...flow(),
        kind: KINDS[Math.floor(random() * KINDS.length)]!,
        state: 1 + Math.floor(random() * 3),
        error: Math.floor(random() * 2) * -101,
        cwnd: Math.floor(random() * 2),
        caState: Math.floor(random() * 5),
        timeNs: 1e9 + randomDuration(random, 40),
      });
      assert.equal(write(segment, CONTEXT), plainJson(columns, segment));
    }
  });

  it('are the same CSV as those of a writer that has kept nothing', () => {
    const flow = randomFlows(seededRandom(8));
    const columns = machineColumns(handshakeColumns('utc'));
    const write = itemWriter(CSV_FORMAT, columns);
    for (let count = 0; count < ITEMS / 4; count++) {
      const attempt = handshake(flow());
      assert.equal(write(attempt, CONTEXT), itemWriter(CSV_FORMAT, columns)(attempt, CONTEXT));
    }
  });
});

describe('what a writer keeps', () => {
  interface Pair {
    a: number;
    b: number;
  }

  /** Two columns that repeat, and how often they were asked for a value. */
  function counted(): { asked: () => number; write: (pair: Pair) => string } {
    let asked = 0;
    const column = (key: keyof Pair): Column<Pair> => ({
      key,
      header: key,
      description: '',
      align: 'left',
      width: 1,
      text: (pair) => String(pair[key]),
      value(pair): Plain {
        asked++;
        return pair[key];
      },
      decidedBy: (pair) => pair[key],
    });
    const write = itemWriter(JSON_FORMAT, [column('a'), column('b')]);
    return { asked: () => asked, write: (pair) => write(pair, CONTEXT) };
  }

  it('is asked for once', () => {
    const { asked, write } = counted();
    assert.equal(write({ a: 1, b: 2 }), '{"a":1,"b":2}\n');
    assert.equal(write({ a: 1, b: 2 }), '{"a":1,"b":2}\n');
    assert.equal(asked(), 2);
  });

  it('is found by whatever differs most', () => {
    const { asked, write } = counted();
    const all = (): string => Array.from({ length: 100 }, (_, b) => write({ a: 1, b })).join('');
    const first = all();
    all();
    const before = asked();
    assert.equal(all(), first);
    assert.equal(asked(), before);
  });

  it('is forgotten when it has become too much', () => {
    const { asked, write } = counted();
    write({ a: 1, b: 1 });
    for (let b = 2; b < MANY; b++) write({ a: b, b });
    const before = asked();
    assert.equal(write({ a: 1, b: 1 }), '{"a":1,"b":1}\n');
    assert.equal(asked(), before + 2);
  });

  it('is as right where nothing is kept, since nothing came again', () => {
    const { write } = counted();
    for (let b = 1; b < MANY; b++) assert.equal(write({ a: b, b: -b }), `{"a":${b},"b":${-b}}\n`);
  });
});

describe('text of a number', () => {
  it('is that of String(), with any number of decimals', () => {
    const random = seededRandom(9);
    for (let count = 0; count < ITEMS; count++) {
      const ns = randomDuration(random, 53);
      for (const value of [ns / 1000, ns / 100, -ns / 1000, ns, ns / 7, random(), 1 / ns])
        assert.equal(numberText(value), String(value));
    }
    for (const value of [0, -0, NaN, Infinity, 1e21, 1e-7, 0.001, 0.0005, 999_999_999_999.999])
      assert.equal(numberText(value), String(value));
  });
});
