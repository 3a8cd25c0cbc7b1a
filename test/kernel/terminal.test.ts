/** The real program on a real terminal: `script` gives it one. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import { Namespace, connect, listen } from '#tcpscope/lab/network.js';
import { onHost } from '../features.js';
import { RUN } from './tool.js';

const HIDE_CURSOR = '\u001b[?25l';

// What is drawn is the terminal's business, and how often that of a fast machine.
onHost.describe('connlat on a terminal', () => {
  let host: Namespace;
  before(async () => {
    host = await Namespace.create('terminal');
    await listen(host, '127.0.0.1', 9000);
    await listen(host, '::1', 9000);
  });
  after(() => host.destroy());

  /** Starts it on a terminal of this size and waits until it traces. */
  async function onTerminal(
    columns: number,
    args: string,
    env = '',
  ): Promise<{ script: ChildProcess; output: () => string }> {
    const command = `stty cols ${columns} rows 24; exec env -u CI -u NO_COLOR TERM=xterm-256color ${env} ${process.execPath} ${RUN} connlat --netns ${host.name} ${args}`;
    const script = spawn('script', ['-qefc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let output = '';
    script.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    while (!output.includes('Tracing')) await once(script.stdout, 'data');
    return { script, output: () => output };
  }

  for (const columns of [80, 160]) {
    it(`rows fit ${columns} columns`, async () => {
      const { script, output } = await onTerminal(columns, '--count 5');
      await connect(host, '127.0.0.1', 9000, { count: 5 });
      assert.deepEqual(await once(script, 'close'), [0, null]);
      const lines = stripVTControlCharacters(output()).split(/\r?\n/);
      const rows = lines.filter((line) => line.includes('127.0.0.1:9000'));
      assert.equal(rows.length, 5);
      for (const row of rows) assert.ok(row.length <= columns, `${row.length}: ${row}`);
    });

    it(`a live table redraws itself in ${columns} columns and never takes the cursor`, async () => {
      const { script, output } = await onTerminal(columns, '--by remote --interval 200ms --duration 1s');
      await connect(host, '127.0.0.1', 9000, { count: 23 });
      await connect(host, '::1', 9000, { count: 7 });
      assert.deepEqual(await once(script, 'close'), [0, null]);
      const text = output();
      assert.ok(!text.includes(HIDE_CURSOR));
      assert.ok(text.split('127.0.0.1:9000').length > 3, 'drawn several times');
      assert.ok(text.includes('\r\u001b[4A'), 'over the header, two rows and the hints of the one before');
      const last = stripVTControlCharacters(text.slice(text.lastIndexOf('REMOTE'))).split(/\r?\n/);
      assert.match(
        last.find((line) => line.startsWith('127.0.0.1:9000'))!,
        / 23 +0 /,
      );
      assert.match(
        last.find((line) => line.startsWith('[::1]:9000'))!,
        / 7 +0 /,
      );
      for (const line of last.slice(0, 3)) assert.ok(line.length <= columns, line);
    });
  }

  it('a heatmap redraws itself, and has at its end what came in its last interval', async () => {
    const { script, output } = await onTerminal(80, '--heatmap --interval 200ms --count 30');
    await connect(host, '127.0.0.1', 9000, { count: 20, gapUs: 30_000 });
    await connect(host, '127.0.0.1', 9009, { count: 10 });
    assert.deepEqual(await once(script, 'close'), [0, null]);
    const text = output();
    assert.ok(text.split('ok latency').length > 3, 'drawn several times');
    assert.notEqual(text, stripVTControlCharacters(text), 'over the one before');
    const frames = stripVTControlCharacters(text).split('ok latency ');
    // The last one is of the summary.
    const last = frames.at(-2) ?? '';
    assert.match(last, /^20 in /);
    assert.match(last, /refused┆.* 10\r?\n/);
    for (const line of last.split(/\r?\n/)) assert.ok(line.length <= 80, line);
  });

  for (const view of ['', '--by remote', '--hist', '--heatmap']) {
    it(`writes no escape code in plain text: ${view === '' ? 'rows' : view}`, async () => {
      const args = `--plain ${view} --interval 200ms --duration 1s`;
      const { script, output } = await onTerminal(80, args, 'FORCE_COLOR=3');
      await connect(host, '127.0.0.1', 9000, { count: 5 });
      await connect(host, '127.0.0.1', 9009, { count: 5 });
      assert.deepEqual(await once(script, 'close'), [0, null]);
      assert.match(output(), /5 refused/);
      // eslint-disable-next-line no-control-regex -- that is the point
      assert.doesNotMatch(output(), /[\u001b\u2500-\u28ff]/);
    });
  }

  it('a live table has below it what the tool costs, and is drawn over itself with that', async () => {
    const { script, output } = await onTerminal(100, '--by remote --stats --interval 200ms --duration 1s');
    await connect(host, '127.0.0.1', 9000, { count: 23 });
    assert.deepEqual(await once(script, 'close'), [0, null]);
    const frames = output().split('\u001b[?2026h').slice(1);
    const withCost = frames.filter((frame) => frame.includes('cost: CPU'));
    assert.ok(withCost.length >= 2, output());
    // Header, row, hints and cost: the next frame begins at the first.
    assert.ok(
      frames.some((frame) => frame.includes('\r\u001b[4A')),
      output(),
    );
    const text = stripVTControlCharacters(output());
    assert.match(text, /\ncost: CPU [\d.]+%, RSS [\d.]+ MiB, kernel [^\n]*, 0 lost\r?\n/);
    assert.match(text, /\n23 attempts in /);
  });

  it('Ctrl-C in a live table prints the summary below it', async () => {
    const { script, output } = await onTerminal(100, '--by remote --interval 200ms');
    await connect(host, '127.0.0.1', 9000, { count: 23 });
    while (!output().includes('REMOTE')) await once(script.stdout!, 'data');
    script.stdin!.write('\u0003');
    assert.deepEqual(await once(script, 'close'), [0, null]);
    assert.ok(!output().includes('^C'), 'keys are not echoed');
    assert.match(stripVTControlCharacters(output()), /\n23 attempts in .*: 23 ok/);
  });

  it('Ctrl-C below rows leaves no trace', async () => {
    const { script, output } = await onTerminal(100, '');
    await connect(host, '127.0.0.1', 9000, { count: 3 });
    while (!output().includes('127.0.0.1:9000')) await once(script.stdout!, 'data');
    script.stdin!.write('\u0003');
    assert.deepEqual(await once(script, 'close'), [0, null]);
    // What the terminal wrote for the key is gone: the summary begins its line.
    assert.ok(output().includes('^C\r\u001b[K'));
    assert.match(stripVTControlCharacters(output()), /\n(\^C\r)?3 attempts in .*: 3 ok/);
  });

  for (const [env, coloured] of [
    ['', true],
    ['NO_COLOR=1', false],
    ['TERM=dumb', false],
    ['TERM=dumb FORCE_COLOR=1', true],
  ] as const) {
    it(`is ${coloured ? '' : 'not '}coloured with ${env === '' ? 'nothing set' : env}`, async () => {
      const { script, output } = await onTerminal(100, '--count 3', env);
      await connect(host, '127.0.0.1', 9009, { count: 3 });
      await once(script, 'close');
      assert.match(output(), /refused/);
      // eslint-disable-next-line no-control-regex -- of colours
      assert.equal(/\u001b\[[\d;]*mrefused/.test(output()), coloured, output());
    });
  }
});
