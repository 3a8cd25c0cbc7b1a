/** Parts of the agent that have no kernel: its log, its health, its publishers. */
import assert from 'node:assert/strict';
import { judge, type Health } from '#tcpscope/agent/health.js';
import { AgentLog } from '#tcpscope/agent/log.js';
import { Measurement } from '#tcpscope/agent/measurement.js';
import type { Output, OutputTelemetry } from '#tcpscope/agent/output.js';
import { Pages } from '#tcpscope/agent/pages.js';
import { Publisher } from '#tcpscope/agent/publisher.js';
import { PushedOutputs } from '#tcpscope/agent/pushed.js';
import { DEFAULT_AGENT, type AgentConfig, type OtlpConfig } from '#tcpscope/model/agent-config.js';
import type { NetworkItem, NetworkSnapshot } from '#tcpscope/model/network.js';
import type { Source } from '#tcpscope/model/source.js';
import { makeSnapshot } from './agent-snapshot.js';

/** An output that is under way until it is told to end. */
class HeldOutput implements Output {
  readonly name = 'otlp';
  readonly published: NetworkSnapshot[] = [];
  closed = false;
  atOnce = 0;
  most = 0;
  counts: OutputTelemetry = { sent: 0, failed: 0, dropped: 0, bytes: 0, lastError: undefined };
  private release: (() => void)[] = [];
  private news: (() => void)[] = [];
  isHeld = false;
  since: NetworkSnapshot | undefined;

  begin(since: NetworkSnapshot): void {
    this.since = since;
  }

  async publish(snapshot: NetworkSnapshot): Promise<void> {
    this.published.push(snapshot);
    this.most = Math.max(this.most, ++this.atOnce);
    for (const told of this.news.splice(0)) told();
    if (this.isHeld) await new Promise<void>((resolve) => this.release.push(resolve));
    this.counts = { ...this.counts, sent: this.counts.sent + 1 };
    this.atOnce--;
  }

  letGo(): void {
    this.isHeld = false;
    for (const resolve of this.release.splice(0)) resolve();
  }

  async begun(times: number): Promise<void> {
    while (this.published.length < times) await new Promise<void>((resolve) => this.news.push(resolve));
  }

  telemetry(): OutputTelemetry {
    return this.counts;
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

const quiet = (): { log: AgentLog; lines: string[] } => {
  const lines: string[] = [];
  return {
    lines,
    log: new AgentLog(
      (text) => lines.push(text),
      () => 0,
    ),
  };
};

describe('the log of the agent', () => {
  it('says the same at most once a minute, and how often it was not said', () => {
    const lines: string[] = [];
    let nowNs = 0;
    const log = new AgentLog(
      (text) => lines.push(text),
      () => nowNs,
    );
    for (let second = 0; second < 130; second += 10) {
      nowNs = second * 1e9;
      log.complain('otlp: refused');
      if (second === 30) log.complain('another');
    }
    assert.deepEqual(lines, [
      'tcpscope agent: otlp: refused\n',
      'tcpscope agent: another\n',
      'tcpscope agent: otlp: refused (5 more since this was last said)\n',
      'tcpscope agent: otlp: refused (5 more since this was last said)\n',
    ]);
  });

  it('is a line, whatever it is told', () => {
    const { log, lines } = quiet();
    log.tell('one\ntwo\u001b[31m');
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /^tcpscope agent: one two[^\n]*\n$/);
    assert.ok(!lines[0]?.includes('\u001b'));
  });

  it('remembers only so many', () => {
    const { log, lines } = quiet();
    for (let number = 0; number < 1_000; number++) log.complain(`error ${number % 250}`);
    assert.equal(lines.length, 1_000, 'more kinds than it remembers are all said');
  });
});

describe('the health of the agent', () => {
  const facts = { intervalNs: 10e9, sinceDrainNs: 1e9, outputs: [] };

  it('is ok while all is read and published', () => {
    const outputs = [{ name: 'otlp', sinceGoodNs: 29e9 }];
    assert.deepEqual(judge({ ...facts, sinceDrainNs: 30e9, outputs }), { status: 'ok', reasons: [] });
  });

  it('is degraded when an output has not worked for three intervals', () => {
    const outputs = [
      { name: 'otlp', sinceGoodNs: 31e9 },
      { name: 'dogstatsd', sinceGoodNs: 1e9 },
    ];
    assert.deepEqual(judge({ ...facts, outputs }), {
      status: 'degraded',
      reasons: ['nothing was published by otlp for 31.0 s'],
    });
  });

  it('has failed when nothing was read for three intervals', () => {
    assert.deepEqual(judge({ ...facts, sinceDrainNs: 31e9 }), {
      status: 'failed',
      reasons: ['nothing was read from the kernel for 31.0 s'],
    });
  });
});

describe('a publisher', () => {
  it('publishes each interval, to an output that is slow never twice at once', async () => {
    const output = new HeldOutput();
    const { log } = quiet();
    const publisher = new Publisher(output, { intervalMs: 5, phase: 0, snapshot: () => makeSnapshot(), log });
    await output.begun(3);
    output.isHeld = true;
    await output.begun(output.published.length + 1);
    const before = output.published.length;
    // Several intervals pass, of which other timers tell.
    for (let times = 0; times < 5; times++) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(output.published.length, before);
    output.letGo();
    await output.begun(before + 2);
    assert.equal(output.most, 1);
    await publisher.close();
    assert.ok(output.closed);
  });

  it('publishes a last time at the end, after what is under way', async () => {
    const output = new HeldOutput();
    output.isHeld = true;
    const { log } = quiet();
    const last = makeSnapshot();
    const publisher = new Publisher(output, {
      intervalMs: 60_000,
      phase: 0,
      snapshot: () => makeSnapshot(),
      log,
    });
    await output.begun(1);
    const ended = publisher.end(last, 10_000);
    output.letGo();
    await ended;
    assert.equal(output.published.length, 2);
    assert.equal(output.published[1], last);
    assert.equal(output.most, 1);
    assert.ok(output.closed);
  });

  it('does not wait for an output that hangs, at the end', async () => {
    const output = new HeldOutput();
    output.isHeld = true;
    const { log } = quiet();
    const publisher = new Publisher(output, {
      intervalMs: 60_000,
      phase: 0,
      snapshot: () => makeSnapshot(),
      log,
    });
    await output.begun(1);
    await publisher.end(makeSnapshot(), 20);
    assert.ok(output.closed);
  });

  it('tells why the last publication failed, and remembers when one was good', async () => {
    const output = new HeldOutput();
    const { log, lines } = quiet();
    output.counts = { ...output.counts, lastError: 'connection refused' };
    const publisher = new Publisher(output, { intervalMs: 5, phase: 0, snapshot: () => makeSnapshot(), log });
    const { lastGoodNs } = publisher;
    await output.begun(3);
    assert.equal(publisher.lastGoodNs, lastGoodNs);
    assert.deepEqual(lines, ['tcpscope agent: otlp: connection refused\n']);
    output.counts = { ...output.counts, lastError: undefined };
    await output.begun(output.published.length + 2);
    assert.ok(publisher.lastGoodNs > lastGoodNs);
    await publisher.close();
  });
});

describe('outputs that are published to', () => {
  const OTLP: OtlpConfig = {
    endpoint: 'http://127.0.0.1:4318',
    temporality: 'delta',
    headers: {},
    ca: undefined,
    timeoutMs: 1,
  };
  const configOf = (otlp: OtlpConfig | undefined): AgentConfig => ({
    ...DEFAULT_AGENT,
    intervalMs: 60_000,
    otlp,
  });

  function outputs() {
    const made: HeldOutput[] = [];
    const { log } = quiet();
    const state = { fails: false };
    const pushed = new PushedOutputs({
      makers: {
        otlp: () => {
          if (state.fails) return Promise.reject(new Error('no'));
          const output = new HeldOutput();
          made.push(output);
          return Promise.resolve(output);
        },
        dogstatsd: () => Promise.reject(new Error('not asked for')),
      },
      snapshot: () => makeSnapshot(),
      log,
    });
    return { pushed, made, state };
  }

  it('are left alone while their configuration is the same', async () => {
    const { pushed, made } = outputs();
    await pushed.publishTo(configOf(OTLP));
    await pushed.publishTo({ ...configOf({ ...OTLP }), region: 'elsewhere' });
    assert.equal(made.length, 1);
    assert.equal(made[0]?.since, undefined);
    await pushed.close();
  });

  it('are replaced when it changes: counters go on, and the new one begins where the old one ended', async () => {
    const { pushed, made } = outputs();
    await pushed.publishTo(configOf(OTLP));
    made[0]!.counts = { sent: 5, failed: 3, dropped: 2, bytes: 100, lastError: 'old' };
    await pushed.publishTo(configOf({ ...OTLP, temporality: 'cumulative' }));
    assert.equal(made.length, 2);
    assert.ok(made[0]?.closed);
    assert.ok(made[1]?.since);
    assert.equal(made[0].published.at(-1), made[1].since);
    made[1].counts = { sent: 1, failed: 0, dropped: 0, bytes: 10, lastError: undefined };
    // The old one has published once more at its end.
    assert.deepEqual(pushed.telemetry(), {
      otlp: { sent: 7, failed: 3, dropped: 2, bytes: 110, lastError: undefined },
    });
    await pushed.publishTo(configOf(undefined));
    assert.deepEqual(pushed.telemetry(), {});
    assert.ok(made[1].closed);
  });

  it('stay as they were when the new one cannot be opened', async () => {
    const { pushed, made, state } = outputs();
    await pushed.publishTo(configOf(OTLP));
    state.fails = true;
    await assert.rejects(pushed.publishTo(configOf({ ...OTLP, timeoutMs: 2 })), /no/);
    assert.equal(made[0]?.closed, false);
    assert.deepEqual(Object.keys(pushed.telemetry()), ['otlp']);
    await pushed.end(1_000);
    assert.ok(made[0].closed);
  });
});

describe('the pages of the agent', () => {
  const LOOPBACK = { host: '127.0.0.1', port: 0 };
  const PROMETHEUS = { listen: LOOPBACK, tls: undefined, basicAuth: undefined };

  function pagesWith(health: Health): { pages: Pages; lines: string[]; snapshots: () => number } {
    const { log, lines } = quiet();
    let taken = 0;
    const pages = new Pages({
      snapshot: () => {
        taken++;
        return makeSnapshot();
      },
      health: () => health,
      outputs: () => ({}),
      access: () => ({ tls: undefined, basicAuth: undefined }),
      log,
    });
    return { pages, lines, snapshots: () => taken };
  }

  for (const [status, code] of [
    ['ok', 200],
    ['degraded', 200],
    ['failed', 503],
  ] as const)
    it(`/healthz is ${code} when it is ${status}, with the reasons`, async () => {
      const health = { status, reasons: ['a reason'] };
      const { pages, snapshots } = pagesWith(health);
      await pages.serve({ prometheus: undefined, health: LOOPBACK });
      try {
        const answer = await fetch(pages.urls()[0]!);
        assert.equal(answer.status, code);
        assert.deepEqual(await answer.json(), health);
        assert.equal(snapshots(), 0);
        assert.equal(pages.telemetry(), undefined);
      } finally {
        await pages.close();
      }
    });

  it('count what was sent of /metrics alone', async () => {
    const { pages } = pagesWith({ status: 'ok', reasons: [] });
    await pages.serve({ prometheus: PROMETHEUS, health: undefined });
    try {
      const [url = ''] = pages.urls();
      const length = (await (await fetch(url)).text()).length;
      await (await fetch(url.replace('/metrics', '/'))).text();
      while (pages.telemetry()?.sent === 0) await new Promise((resolve) => setImmediate(resolve));
      assert.equal(pages.telemetry()?.sent, 1);
      const { bytes = 0 } = pages.telemetry() ?? {};
      assert.ok(bytes > 0 && bytes <= length, `${bytes} of ${length}`);
    } finally {
      await pages.close();
    }
  });

  it('stay where they were when the new address cannot be had', async () => {
    const { pages } = pagesWith({ status: 'ok', reasons: [] });
    await pages.serve({ prometheus: PROMETHEUS, health: undefined });
    try {
      const before = pages.urls();
      // Of a documentation network (RFC 5737), which no host has.
      const elsewhere = { ...PROMETHEUS, listen: { host: '192.0.2.1', port: 9469 } };
      await assert.rejects(pages.serve({ prometheus: elsewhere, health: undefined }), /cannot listen/);
      assert.deepEqual(pages.urls(), before);
      assert.equal((await fetch(before[0]!)).status, 200);
    } finally {
      await pages.close();
    }
  });
});

describe('a measurement', () => {
  function measurement() {
    let drained = 0;
    const source: Source<NetworkItem> = {
      drain: () => {
        drained++;
        return [];
      },
      restNs: 5e9,
      stop: () => undefined,
      losses: () => ({ lost: 2, untracked: 3, missed: 5 }),
      kernelCost: () => ({ ns: 7, runs: 1, isExact: true }),
      close: () => undefined,
    };
    const counts = {
      add: () => undefined,
      tick: () => undefined,
      overflowed: 11,
      size: 13,
      series: () => [],
      acceptOverflows: () => [],
    };
    return { measured: new Measurement({ source, counts, version: '1.0' }), drained: () => drained };
  }

  it('drains for a snapshot, but not for each of many', () => {
    const { measured, drained } = measurement();
    const first = measured.fresh();
    assert.equal(measured.fresh(), first);
    assert.equal(drained(), 1);
  });

  it('has what was drained a moment after a snapshot', () => {
    const { measured } = measurement();
    const first = measured.fresh();
    measured.drain();
    assert.notEqual(measured.fresh(), first);
  });

  it('leaves the source alone for a second at most', () => {
    assert.equal(measurement().measured.restNs, 1e9);
  });

  it('tells what it knows of itself', () => {
    const { self, startMs, timeMs } = measurement().measured.fresh();
    const { cpuNs, rssBytes, ...rest } = self;
    assert.deepEqual(rest, {
      version: '1.0',
      lostEvents: 2,
      untrackedAttempts: 3,
      missedRuns: 5,
      overflowedItems: 11,
      series: 13,
      kernelNs: 7,
    });
    assert.ok(cpuNs > 0 && rssBytes > 1e7);
    assert.ok(timeMs >= startMs && timeMs - Date.now() <= 0);
  });
});
