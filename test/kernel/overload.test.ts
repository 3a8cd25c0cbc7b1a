/** Output that is read too slowly, or not at all: everything is counted, a sample is shown, and it says which. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { Namespace, loop } from '#tcpscope/lab/network.js';
import { onHost } from '../features.js';
import { childrenOf, isAlive, until } from './pane.js';
import { RUN, Tool, unshownRows } from './tool.js';

const HANDSHAKES = 40_009;
/** As often again at most, on a machine that is too fast for the output to fall behind at once. */
const MOST_MORE = 20;
/** What the peak of memory may rise while as much again is not read; its rows would be 25 MiB. */
const MOST_MORE_RSS_KIB = 16 << 10;

/** A pipe of which nothing is read until somebody asks. */
class Pipe {
  readonly writeEnd: number;
  private readonly readEnd: number;
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'tcpscope-'));

  constructor() {
    const name = path.join(this.folder, 'pipe');
    execFileSync('mkfifo', [name]);
    this.readEnd = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
    this.writeEnd = openSync(name, constants.O_WRONLY);
    rmSync(this.folder, { recursive: true });
  }

  /** All that was and will be written, once no writer is left. */
  async read(): Promise<string> {
    const stream = new Socket({ fd: this.readEnd, readable: true, writable: false });
    let text = '';
    stream.setEncoding('utf8').on('data', (more: string) => (text += more));
    await once(stream, 'close');
    return text;
  }
}

/** Starts it with an output that nobody reads yet. */
async function startUnread(args: readonly string[]): Promise<{ tool: Tool; pipe: Pipe }> {
  const pipe = new Pipe();
  const tool = await Tool.start(args, { stdout: pipe.writeEnd });
  closeSync(pipe.writeEnd);
  return { tool, pipe };
}

function peakRssKib(pid: number): number {
  return Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

const [CTRL_C, CTRL_S, CTRL_Q] = ['\u0003', '\u0013', '\u0011'];

const completeLines = (text: string): string[] => text.split('\n').slice(0, -1);

const ALL_SEEN = new RegExp(
  `${HANDSHAKES.toLocaleString('en')} attempts in .*: ${HANDSHAKES.toLocaleString('en')} ok`,
);

// How fast this host is beside its reader; a guest is no faster than any reader.
onHost.describe('an output that is not read in time', function () {
  this.timeout(120_000);
  let host: Namespace;
  beforeEach(async () => {
    host = await Namespace.create('overload');
  });
  afterEach(() => host.destroy());

  const rows = (...args: string[]): string[] => ['connlat', '--json', '--netns', host.name, ...args];
  const makeTraffic = (): Promise<unknown> => loop(HANDSHAKES, 9000, {}, host);

  it('is a sample: all is counted, nothing is lost, memory is bounded', async () => {
    const { tool, pipe } = await startUnread(rows());
    await makeTraffic();
    const before = peakRssKib(tool.process.pid!);
    await loop(HANDSHAKES, 9001, {}, host);
    const grownKib = peakRssKib(tool.process.pid!) - before;
    assert.ok(grownKib < MOST_MORE_RSS_KIB, `${grownKib} KiB more`);
    assert.match(tool.stderr, /output is slow: showing 1 in [\d,]+ rows, totals exact/);

    const text = pipe.read();
    const ended = await tool.stop();
    assert.equal(ended.code, 0);
    assert.match(ended.stderr, /^80,018 attempts in .*: 80,018 ok$/m);
    assert.match(ended.stderr, /; 0 events lost/);
    const shown = completeLines(await text);
    for (const line of shown) JSON.parse(line);
    assert.ok(unshownRows(ended) > 0);
    assert.equal(shown.length + unshownRows(ended), 2 * HANDSHAKES);
  });

  it('ends soon after Ctrl-C, says what nobody has read, and counts it', async () => {
    const { tool, pipe } = await startUnread(rows());
    await makeTraffic();
    const asked = performance.now();
    const ended = await tool.stop();
    assert.ok(performance.now() - asked < 5000);
    assert.equal(ended.code, 0);
    assert.match(ended.stderr, ALL_SEEN);
    assert.match(ended.stderr, /; 0 events lost/);
    const taken = completeLines(await pipe.read()).length;
    assert.ok(taken > 0);
    assert.equal(taken + unshownRows(ended), HANDSHAKES);
  });

  it('shows every row again once it is read', async () => {
    const { tool, pipe } = await startUnread(rows());
    await makeTraffic();
    const text = pipe.read();
    await tool.said(
      () => tool.stderr.includes('output keeps up again: showing every row'),
      tool.process.stderr,
    );
    await loop(1009, 9001, {}, host);
    const ended = await tool.stop();
    const shown = completeLines(await text).map((line) => JSON.parse(line) as { remote_port: number });
    assert.equal(shown.filter(({ remote_port: port }) => port === 9001).length, 1009);
    assert.equal(shown.length + unshownRows(ended), HANDSHAKES + 1009);
  });

  it('--count counts rows that are shown', async () => {
    const { tool, pipe } = await startUnread(rows('--count', '16033'));
    await makeTraffic();
    const text = pipe.read();
    for (let more = 0; more < MOST_MORE && isAlive(tool.process.pid!); more++) await makeTraffic();
    const ended = await tool.wait();
    assert.equal(ended.code, 0);
    assert.equal(completeLines(await text).length, 16_033);
    const seen = Number(/([\d,]+) attempts/.exec(ended.stderr)?.[1]?.replaceAll(',', ''));
    assert.equal(seen, 16_033 + unshownRows(ended));
    assert.ok(seen > HANDSHAKES);
  });

  it('of histograms has fewer intervals, and the last one', async () => {
    const { tool, pipe } = await startUnread([
      ...['connlat', '--csv', '--netns', host.name, '--hist', '--interval', '100ms'],
    ]);
    let made = 0;
    while (made < MOST_MORE && !tool.stderr.includes('leaving out intervals')) {
      await makeTraffic();
      made++;
    }
    const text = pipe.read();
    const ended = await tool.stop();
    const all = made * HANDSHAKES;
    assert.match(ended.stderr, new RegExp(`${all.toLocaleString('en')} attempts in`));
    assert.match(ended.stderr, /output is slow: leaving out intervals, totals exact/);
    assert.match(ended.stderr, /\d+ intervals not shown \(slow output\)/);
    const lines = completeLines(await text).map((line) => line.split(','));
    const [last] = lines.at(-1)!;
    const counts = lines.filter(([time]) => time === last).map((line) => Number(line.at(-1)));
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      all,
    );
  });

  describe('of a terminal', () => {
    /** Stops the terminal, as Ctrl-S does, while there is traffic. */
    async function stopTerminal(): Promise<{
      script: ChildProcess;
      /** Its exit code and signal, whenever it ends. */
      closed: Promise<unknown[]>;
      tool: number;
      output: () => string;
    }> {
      const command = `stty cols 160 rows 24; exec env -u CI TERM=xterm ${process.execPath} ${RUN} connlat --netns ${host.name}`;
      const script = spawn('script', ['-qefc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
      const closed = once(script, 'close');
      // It may have ended when the last key comes.
      script.stdin.on('error', () => undefined);
      let output = '';
      script.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
      while (!output.includes('Tracing')) await once(script.stdout, 'data');
      const [tool = 0] = childrenOf(script.pid!);
      script.stdin.write(CTRL_S);
      await makeTraffic();
      return { script, closed, tool, output: () => stripVTControlCharacters(output) };
    }

    it('that stands still for a while is a sample, and goes on', async () => {
      const { script, closed, output } = await stopTerminal();
      script.stdin!.write(CTRL_Q);
      // Ctrl-C would have the terminal forget what nobody has read.
      while (!output().includes('showing every row')) await once(script.stdout!, 'data');
      script.stdin!.write(CTRL_C);
      assert.deepEqual(await closed, [0, null]);
      const text = output();
      assert.match(text, ALL_SEEN);
      assert.match(text, /; 0 events lost/);
      assert.match(text, /\noutput is (slow|not read): [^\n]*, totals exact\r?\n/);
      const shown = text.split(/\r?\n/).filter((line) => line.includes('127.0.0.1:9000'));
      assert.equal(shown.length + unshownRows({ stderr: text }), HANDSHAKES);
    });

    it('that stands still for ever keeps nobody from ending', async () => {
      const { script, closed, tool, output } = await stopTerminal();
      const asked = performance.now();
      process.kill(tool, 'SIGTERM');
      await until(
        () => !isAlive(tool),
        () => 'still running',
      );
      assert.ok(performance.now() - asked < 5000);
      script.stdin!.write(CTRL_Q);
      assert.deepEqual(await closed, [0, null]);
      assert.doesNotMatch(output(), /attempts in/);
    });
  });
});
