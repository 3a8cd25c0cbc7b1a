/** Help of the whole program, and what it says of commands that it does not have; through bin/run.js. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { unknownCommand } from '#tcpscope/cli/unknown-command.js';
import { COMMANDS, ROOT } from './program.js';

interface Answer {
  status: number | null;
  stdout: string;
  stderr: string;
}

function tcpscope(...args: string[]): Answer {
  const env = { ...process.env, NO_COLOR: '1', COLUMNS: '80' };
  const program = path.join(ROOT, 'bin/run.js');
  const call = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', env, timeout: 30_000 });
  return { status: call.status, stdout: call.stdout, stderr: call.stderr };
}

const sectionOf = (help: string, name: string): string[] =>
  (new RegExp(`^${name}\\n((?: .*\\n|\\n(?= ))*)`, 'm').exec(help)?.[1] ?? '').trimEnd().split('\n');

describe('the root help', () => {
  it('is the same without a word, with --help, with -h and by help', () => {
    const [first, ...others] = [[], ['--help'], ['-h'], ['help']].map((args) => tcpscope(...args));
    assert.equal(first?.status, 0);
    for (const other of others) assert.deepEqual(other, first);
  });

  it('has a line for each command, those that trace first, at 80 columns', () => {
    const { stdout } = tcpscope();
    const lines = sectionOf(stdout, 'COMMANDS');
    const listed = lines.map((line) => /^ {2}(\S+(?: \S+)?) {2,}[A-Z]/.exec(line)?.[1]);
    assert.deepEqual([...listed].sort(), [...COMMANDS].sort());
    assert.deepEqual(listed.slice(0, 2), ['health', 'connlat']);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
    assert.ok(stdout.split('\n').length <= 36, 'it fits on a screen');
  });

  it('has three examples', () => {
    const examples = sectionOf(tcpscope().stdout, 'EXAMPLES').filter((line) =>
      line.startsWith('    $ tcpscope '),
    );
    assert.equal(examples.length, 3);
  });
});

describe('help of one command', () => {
  it('is the same by help and by --help', () => {
    for (const words of [['connlat'], ['config', 'check'], ['config']]) {
      const byHelp = tcpscope('help', ...words);
      assert.equal(byHelp.status, 0);
      assert.match(byHelp.stdout, new RegExp(`\\$ tcpscope ${words.join(' ')}`));
      assert.equal(tcpscope(...words, '--help').stdout, byHelp.stdout);
    }
  });
});

describe('an unknown command', () => {
  const answers: Readonly<Record<string, string[]>> = {
    conlat: ['Unknown command: conlat', 'Did you mean connlat?'],
    'conlat --by remote': ['Unknown command: conlat', 'Did you mean connlat?'],
    'conlat 10.0.0.1:80 --json': ['Unknown command: conlat', 'Did you mean connlat?'],
    'conlat --help': ['Unknown command: conlat', 'Did you mean connlat?'],
    'help conlat': ['Unknown command: conlat', 'Did you mean connlat?'],
    'config chek': ['Unknown command: config chek', 'Did you mean config check?'],
    'help config chek': ['Unknown command: config chek', 'Did you mean config check?'],
    'check places.yaml': ['Unknown command: check', 'Did you mean config check?'],
    '--by remote': ['No command before --by.', 'Flags follow a command, as in: tcpscope connlat --by remote'],
  };
  for (const [words, [what, why]] of Object.entries(answers))
    it(`is told in three lines: tcpscope ${words}`, () => {
      assert.deepEqual(tcpscope(...words.split(' ')), {
        status: 2,
        stdout: '',
        stderr: `tcpscope: ${what}\n${why}\nSee: tcpscope --help\n`,
      });
    });

  it('of which none is likely is answered with all commands', () => {
    const { status, stderr } = tcpscope('xyzzy');
    assert.equal(status, 2);
    for (const command of COMMANDS) assert.ok(stderr.includes(command), command);
    assert.doesNotMatch(stderr, /Did you mean/);
  });

  it('puts nothing on the terminal that steers it', () => {
    const { what, why } = unknownCommand(['con\u001b[2Jlat'], ['connlat']);
    assert.doesNotMatch(what + why, /\p{Cc}/u);
    assert.ok(!tcpscope('con\u001b[2Jlat').stderr.includes('\u001b'));
  });

  it('means the word that was begun, or the one that has the fewest typing errors', () => {
    const meant = (word: string): string => unknownCommand([word], COMMANDS).why;
    assert.equal(meant('ret'), 'Did you mean retrans?');
    assert.equal(meant('dif'), 'Did you mean diff?');
    assert.equal(meant('retarns'), 'Did you mean retrans?');
    assert.match(meant('tcpdump'), /^Commands: /);
  });
});
