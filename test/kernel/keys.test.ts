/** Live tables as a person at a terminal has them: keys, other sizes, and every way to end. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Namespace, connect, listen } from '#tcpscope/lab/network.js';
import { onHost } from '../features.js';
import { Pane, childrenOf, isAlive, programsOf, until } from './pane.js';
import { RUN, Tool, loadedPrograms } from './tool.js';

const LONG = '2001:db8:1111:2222:3333:4444:5555:6666';
const HINTS = 'q quit  space pause';
/** Handshakes to these ports, which is the order of RATE/s, OK and all else. */
const TRAFFIC = [
  [9001, 5],
  [9002, 3],
  [9003, 9],
] as const;

// Keys and signals concern the terminal, within the time in which a person expects an answer.
onHost.describe('keys', () => {
  let host: Namespace;
  let folder: string;
  /** A module that throws, outside of all that catches, at SIGUSR2. */
  let mistake: string;
  let pane: Pane;
  /** What runs in the kernel for the program of this test: others may have theirs. */
  let programs: number[];
  before(async () => {
    host = await Namespace.create('keys');
    await host.ip(`address add ${LONG}/128 dev lo`);
    for (const [port] of TRAFFIC) await listen(host, '127.0.0.1', port);
    await listen(host, LONG, 9000);
    folder = mkdtempSync(path.join(tmpdir(), 'tcpscope-'));
    mistake = path.join(folder, 'mistake.mjs');
    writeFileSync(mistake, 'process.on("SIGUSR2", () => { throw new Error("a mistake"); });');
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await host.destroy();
  });
  beforeEach(async () => {
    programs = [];
    pane = await Pane.start(110, 30);
  });
  afterEach(async () => {
    pane.end();
    await until(
      () => !loadedPrograms().some((id) => programs.includes(id)),
      () => 'programs are left in the kernel',
    );
  });

  const command = (args = '--by remote-port'): string =>
    `${process.execPath} ${RUN} connlat --netns ${host.name} --interval 200ms ${args}`;

  /** The program, and whoever watches over its terminal. */
  interface Running {
    tool: number;
    guardian: number;
  }

  function running(shell = pane.shell): Running {
    const [tool = 0] = childrenOf(shell);
    const [guardian = 0] = childrenOf(tool);
    assert.ok(tool > 0 && guardian > 0);
    programs = programsOf(tool);
    assert.ok(loadedPrograms().some((id) => programs.includes(id)));
    return { tool, guardian };
  }

  async function gone({ tool, guardian }: Running): Promise<void> {
    await until(
      () => !isAlive(tool) && !isAlive(guardian),
      () => `tool ${isAlive(tool)}, guardian ${isAlive(guardian)}`,
    );
  }

  async function makeTraffic(): Promise<void> {
    for (const [port, count] of TRAFFIC) await connect(host, '127.0.0.1', port, { count });
  }

  async function start(args?: string): Promise<Running> {
    pane.enter(`clear; ${command(args)}`);
    await pane.shows((screen) => screen.includes(HINTS));
    return running();
  }

  /** A table whose rows are in this order. */
  const order = (...ports: number[]): ((screen: string) => boolean) => {
    const pattern = new RegExp(ports.map((port) => `^ *${port} .*\\n`).join(''), 'm');
    return (screen) => pattern.test(`${screen}\n`);
  };

  it('sort, reverse, number of rows, help, pause, end', async () => {
    const { tool, guardian } = await start('--by remote-port --sort ok');
    await makeTraffic();
    assert.ok(pane.mode().includes('-echo') && pane.mode().includes('isig'));
    await pane.shows((screen) => order(9003, 9001, 9002)(screen) && screen.includes('OK▼'));

    pane.keys('r');
    await pane.shows((screen) => order(9002, 9001, 9003)(screen) && screen.includes('OK▲'));
    pane.keys('r', '2');
    await pane.shows((screen) => /^ *9003 .*\n *9001 .*\n… 1 more\n/m.test(screen));
    pane.keys('0', '0');
    await pane.shows((screen) => screen.includes('1-9 top: 200'));
    pane.keys('s');
    await pane.shows((screen) => screen.includes('s sort: FAIL') && screen.includes('FAIL▼'));
    pane.keys('S', 'S', 'S');
    await pane.shows((screen) => screen.includes('s sort: RPORT') && order(9003, 9002, 9001)(screen));

    pane.keys('?');
    await pane.shows((screen) => screen.includes('reverse the order') && !screen.includes('RATE/s'));
    pane.keys('x');
    await pane.shows(order(9003, 9002, 9001));

    pane.keys('Space');
    await pane.shows((screen) => screen.includes('paused; space goes on'));
    await connect(host, '127.0.0.1', 9001, { count: 70 });
    pane.keys('Space');
    const after = await pane.shows((screen) => /^ *9001 .* 75 /m.test(screen));
    assert.ok(!after.includes('paused'));

    pane.keys('q');
    const end = await pane.shows((screen) => /87 attempts in .*: 87 ok\n/.test(screen));
    assert.ok(!end.includes(HINTS) && !end.includes('▼'), 'what stays has no hints');
    await gone({ tool, guardian });
    pane.enter('echo "exit $?"; stty -a');
    await pane.shows((screen) => /exit 0\n.* icanon .* echo /s.test(screen));
  });

  it('a paused frame stays as it is', async () => {
    const { tool } = await start('--by remote-port --sort ok');
    await makeTraffic();
    await pane.shows(order(9003, 9001, 9002));
    pane.keys('Space');
    const held = await pane.shows((screen) => screen.includes('paused'));
    await connect(host, '127.0.0.1', 9001, { count: 70 });
    // Several intervals go by while another run lasts.
    await Tool.spawn(['connlat', '--netns', host.name, '--duration', '700ms']).wait();
    assert.equal(pane.screen(), held);
    pane.keys('q');
    await pane.shows((screen) => /^ *9001 .* 75 /m.test(screen) && screen.includes('87 ok'));
    await until(
      () => !isAlive(tool),
      () => 'still running',
    );
  });

  it('another size is drawn anew at once, never wraps and never scrolls', async () => {
    await start('--by remote,remote-port');
    await makeTraffic();
    for (let count = 1; count <= 3; count++) await connect(host, LONG, 9000, { count });
    for (let port = 9100; port < 9140; port++) await connect(host, '127.0.0.1', port);
    await pane.shows((screen) => /… \d+ more/.test(screen));
    for (const [columns, rows] of [
      [60, 12],
      [20, 5],
      [200, 50],
      [40, 24],
      [100, 4],
      [20, 60],
    ] as const) {
      pane.resize(columns, rows);
      const fits = (screen: string): boolean => {
        const lines = screen.split('\n');
        return lines[0]!.startsWith('REMOTE') && lines.slice(1).every((line) => !line.startsWith('REMOTE'));
      };
      await pane.shows(fits);
      // What is drawn later has to fit too.
      await connect(host, LONG, 9000, { count: 2 });
      await pane.shows(fits);
      for (const line of pane.lines()) assert.ok(line.length <= columns, line);
    }
    pane.keys('q');
    await pane.shows((screen) => screen.includes('$'));
  });

  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGHUP', 'SIGABRT', 'SIGUSR2'] as const) {
    const end = signal === 'SIGUSR2' ? 'a mistake of ours' : signal;
    it(`${end} leaves the terminal as it was, and nobody behind`, async () => {
      // bash would mend the terminal itself, but is not told as long as sh goes on.
      pane.enter(`clear; sh -c "NODE_OPTIONS=--import=${mistake} ${command()}; cat"`);
      await pane.shows((screen) => screen.includes(HINTS));
      const all = running(childrenOf(pane.shell)[0]);
      assert.ok(!pane.isAsBefore());
      process.kill(all.tool, signal);
      await gone(all);
      await until(
        () => pane.isAsBefore(),
        () => pane.mode().join(' '),
      );
      pane.keys('C-d');
    });
  }

  it('Ctrl-C ends with the summary', async () => {
    const all = await start();
    pane.keys('C-c');
    const screen = await pane.shows((text) => text.includes('0 attempts in'));
    assert.ok(!screen.includes('^C'));
    await gone(all);
    pane.enter('clear; stty -a');
    await pane.shows((text) => / icanon .* echo /s.test(text));
  });

  it('Ctrl-Z gives the terminal back, bg leaves it alone, and fg takes it again', async () => {
    const { tool, guardian } = await start('--by remote-port --sort ok');
    pane.keys('C-z');
    await pane.shows((screen) => screen.includes('Stopped'));
    await until(
      () => !isAlive(guardian),
      () => 'the guardian lives',
    );
    pane.enter('stty -a');
    await pane.shows((screen) => / icanon .* echo /s.test(screen));
    pane.enter('clear; bg');
    await makeTraffic();
    await pane.shows(order(9003, 9001, 9002));
    pane.enter('clear; jobs');
    await pane.shows((screen) => screen.includes('Running'));
    assert.deepEqual(childrenOf(tool), []);
    pane.enter('fg');
    await pane.shows((screen) => screen.includes(HINTS));
    pane.keys('r');
    await pane.shows(order(9002, 9001, 9003));
    pane.keys('q');
    await pane.shows((screen) => screen.includes('17 attempts in'));
    await until(
      () => !isAlive(tool),
      () => 'still running',
    );
  });

  it('the end of the terminal ends all', async () => {
    const all = await start();
    pane.close();
    await gone(all);
  });

  it('in the background it is not stopped, and takes no keys', async () => {
    pane.enter(`${command('--by remote-port --duration 2s')} &`);
    await pane.shows((screen) => screen.includes('RATE/s'));
    const [tool = 0] = childrenOf(pane.shell);
    assert.deepEqual(childrenOf(tool), []);
    pane.enter('echo "$((6 * 7)) $(jobs)"');
    await pane.shows((screen) => /42 .*Running/.test(screen));
    await pane.shows((screen) => screen.includes('0 attempts in 2.0 s'));
  });

  it('a pipe gets neither keys nor escape codes', async () => {
    pane.enter(`clear; ${command('--by remote-port --duration 1s')} 2>&1 | cat -v`);
    const screen = await pane.shows((text) => text.includes('0 attempts in'));
    assert.ok(screen.includes('RATE/s'));
    assert.ok(!screen.includes('^[') && !screen.includes(HINTS) && !screen.includes('▼'), screen);
  });

  it('without stty there are no keys, and nothing else changes', async () => {
    pane.enter(`clear; PATH=/nonexistent ${command('--by remote-port --sort ok')}`);
    await pane.shows((text) => text.includes('RATE/s'));
    await makeTraffic();
    const screen = await pane.shows(order(9003, 9001, 9002));
    assert.ok(!screen.includes(HINTS));
    pane.keys('C-c');
    await pane.shows((text) => text.includes('17 attempts in'));
  });

  it('a terminal that stands still stops neither counting nor the end', async () => {
    const all = await start('--by remote-port --sort ok');
    pane.keys('C-s');
    await makeTraffic();
    pane.keys('C-q');
    await pane.shows(order(9003, 9001, 9002));
    pane.keys('C-s');
    await connect(host, '127.0.0.1', 9001, { count: 10 });
    process.kill(all.tool, 'SIGTERM');
    await gone(all);
    pane.keys('C-q');
    pane.enter('clear; stty -a');
    await pane.shows((screen) => / icanon .* echo /s.test(screen));
  });
});
