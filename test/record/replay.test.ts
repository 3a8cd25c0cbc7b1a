/** `tcpscope replay` on recordings of the real kernel: every view, without any privilege. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { assertGolden } from '../replay/golden.js';
import { FIXTURES, newPath } from './support.js';

const RUN = path.resolve(import.meta.dirname, '../../../bin/run.js');
/** Root without a single capability, where the tests run as root. */
const POWERLESS = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] : [];

function replay(...args: string[]) {
  const [command = '', ...rest] = [...POWERLESS, process.execPath, RUN, 'replay', ...args];
  return spawnSync(command, rest, {
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, TZ: 'UTC', NO_COLOR: '1', FORCE_COLOR: '' },
  });
}

const VIEWS: readonly [name: string, flags: string][] = [
  ['rows', ''],
  ['wide', '--wide'],
  ['table', '--by remote-port'],
  ['table-of-services', '--by unit,comm --dns'],
  ['histogram', '--hist'],
  ['heatmap', '--heatmap'],
  ['heatmap-in-words', '--heatmap --plain'],
  ['json', '--json'],
  ['csv', '--csv'],
  ['table-json', '--by comm --json'],
];

for (const kind of ['handshakes', 'retransmits'])
  describe(`replay of ${kind}.tsr`, () => {
    const file = path.join(FIXTURES, `${kind}.tsr`);
    for (const [name, flags] of VIEWS)
      it(name, () => {
        const words = flags.split(' ').filter((word) => word !== '');
        const { status, stdout, stderr } = replay(file, ...words);
        assert.equal(status, 0, stderr);
        assertGolden(`recorded-${kind}-${name}`, stdout);
      });

    it('says what it was, and sums it up', () => {
      const { stderr } = replay(file);
      assertGolden(`recorded-${kind}-summary`, stderr.replaceAll(file, `${kind}.tsr`));
    });

    it('may be of the file cut off anywhere', () => {
      const bytes = readFileSync(file);
      const part = newPath();
      writeFileSync(part, bytes.subarray(0, bytes.length - 100));
      const { status, stderr } = replay(part);
      assert.equal(status, 0);
      assert.match(stderr, /without an end: cut off, or still being written/);
    });
  });

describe('replay', () => {
  const file = path.join(FIXTURES, 'handshakes.tsr');
  const retransmits = path.join(FIXTURES, 'retransmits.tsr');

  it('counts and times by what was recorded', () => {
    assert.equal(replay(file, '--json', '--count', '3').stdout.trim().split('\n').length, 3);
    const { stderr } = replay(file, '--duration', '1s');
    assert.match(stderr, /attempts in 1\.0 s/);
  });

  const refused: [args: string[], code: number, what: RegExp][] = [
    [[], 2, /Missing 1 required arg/],
    [['/no/such/file'], 1, /There is no such file/],
    [['/'], 1, /It is a folder/],
    [[RUN], 1, /is not a tcpscope recording/],
    [[file, retransmits], 2, /Recordings of different commands/],
    [[file, '--kind', 'rto'], 2, /for recordings of retrans/],
    [[file, '--speed', 'fast'], 2, /--speed fast: must be full, or/],
    [[file, '--by', 'remotes'], 2, /unknown key "remotes"/],
    [[file, '--spee', '1x'], 2, /Did you mean --speed\?/],
    [[file, file, '--follow'], 2, /--follow is for one file/],
    [[file, '--redact'], 2, /--record/],
  ];
  for (const [args, code, what] of refused)
    it(`of ${args.map((word) => path.basename(word)).join(' ') || 'nothing'} ends with ${code} and says why`, () => {
      const { status, stderr } = replay(...args);
      assert.equal(status, code, stderr);
      assert.match(stderr, what);
      assert.doesNotMatch(stderr, /^ +at /m);
    });

  it('ends quietly when nobody reads on', () => {
    const shell = [process.execPath, RUN, 'replay', file].map((word) => `'${word}'`).join(' ');
    const { stdout, stderr } = spawnSync('bash', ['-c', `${shell} | head -1`], { encoding: 'utf8' });
    assert.equal(stdout.split('\n').length, 2);
    assert.doesNotMatch(stderr, /EPIPE|Error/);
  });

  it('makes a recording of what passes its filters', () => {
    const copy = newPath();
    assert.equal(replay(file, '--comm', 'curl', '--record', copy).status, 0);
    assert.equal(replay(copy, '--json').stdout.trim().split('\n').length, 3);
    rmSync(copy);
  });
});
