/** What is left out to stay below a share of one core: time and cost come in. */
import assert from 'node:assert/strict';
import { CpuGovernor, type Step } from '#tcpscope/session/cpu-governor.js';

const SECOND = 1e9;
const STEPS = [
  { what: 'showing rows', usAnEvent: 8, restShare: 0.01 },
  { what: 'showing sums', usAnEvent: 1.5, restShare: 0.005 },
  { what: 'following 1 in 4', usAnEvent: 0.8, restShare: 0.005 },
  { what: 'following 1 in 16', usAnEvent: 0.6, restShare: 0.005 },
] as const;
type Kind = Step & { usAnEvent: number; restShare: number };

/** A host on which so many events a second come, and the tool costs what its step says. */
class Host {
  readonly said: [second: number, line: string][] = [];
  private readonly governor: CpuGovernor<Kind>;
  private second = 0;
  private spent = { cpuNs: 0, events: 0 };
  /** Share of one core in the last second. */
  share = 0;

  constructor(limit: number) {
    this.governor = new CpuGovernor<Kind>(limit, STEPS);
    this.governor.measure(0, () => this.spent);
  }

  get step(): string {
    return this.governor.step.what;
  }

  run(seconds: number, events: number): void {
    for (let left = seconds; left > 0; left--) {
      const { usAnEvent, restShare } = this.governor.step;
      this.share = restShare + (events * usAnEvent) / 1e6;
      this.spent = { cpuNs: this.spent.cpuNs + this.share * SECOND, events: this.spent.events + events };
      this.second++;
      const line = this.governor.measure(this.second * SECOND, () => this.spent);
      if (line !== undefined) this.said.push([this.second, line]);
    }
  }
}

describe('the governor of --max-cpu', () => {
  it('leaves all as it is below the limit', () => {
    const host = new Host(0.05);
    host.run(600, 4000);
    assert.deepEqual([host.step, host.said], ['showing rows', []]);
  });

  it('goes down step by step until it fits, and says why', () => {
    const host = new Host(0.05);
    host.run(60, 50_000);
    assert.equal(host.step, 'following 1 in 4');
    assert.ok(host.share <= 0.05);
    assert.deepEqual(host.said, [
      [2, 'cost: 41.0% of a core (--max-cpu 5%): showing sums'],
      [4, 'cost: 8.0% of a core (--max-cpu 5%): following 1 in 4'],
    ]);
  });

  it('comes back when what came has gone', () => {
    const host = new Host(0.05);
    host.run(20, 50_000);
    host.run(20, 1000);
    assert.equal(host.step, 'showing rows');
    assert.deepEqual(
      host.said.slice(2).map(([, line]) => line),
      [
        'cost: 0.6% of a core (--max-cpu 5%): showing sums',
        'cost: 0.7% of a core (--max-cpu 5%): showing rows',
      ],
    );
  });

  it('does not try what would cost too much', () => {
    const host = new Host(0.05);
    // In rows they would cost 8 % and more.
    host.run(600, 10_000);
    assert.deepEqual([host.step, host.said.length], ['showing sums', 1]);
  });

  it('tries less and less often what it was wrong about', () => {
    const host = new Host(0.05);
    host.run(10, 50_000);
    const before = host.said.length;
    // Bursts: every fourth window has what makes it go down again.
    for (let round = 0; round < 100; round++) {
      host.run(12, 100);
      host.run(2, 50_000);
    }
    const tries = host.said.slice(before).filter(([, line]) => line.includes('rows')).length;
    assert.ok(tries < 20, String(tries));
  });

  it('says once that nothing more can be left out', () => {
    const host = new Host(0.004);
    host.run(600, 50_000);
    assert.equal(host.step, 'following 1 in 16');
    assert.equal(host.said.length, 4);
    assert.match(host.said.at(-1)![1], /\(--max-cpu 0.4%\): nothing more can be left out$/);
  });

  it('measures over seconds, not moments', () => {
    const governor = new CpuGovernor<Kind>(0.05, STEPS);
    governor.measure(0, () => ({ cpuNs: 0, events: 0 }));
    // 90 ms of work in 100 ms, as when a table is drawn.
    assert.equal(
      governor.measure(0.1 * SECOND, () => ({ cpuNs: 90e6, events: 10 })),
      undefined,
    );
    assert.equal(
      governor.measure(2 * SECOND, () => ({ cpuNs: 95e6, events: 20 })),
      undefined,
    );
    assert.equal(governor.step.what, 'showing rows');
  });
});
