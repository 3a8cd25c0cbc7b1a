/** `tcpscope completion`: the real shells offer what the help and the program's answers to wrong values say, and nothing else. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { COMMANDS, flagsInHelp, said, wordsInAnswer } from '../cli/program.js';
import { Pane } from '../kernel/pane.js';
import { CompletingShells, SHELLS, type ShellName } from './shells.js';

const heads = [...new Set([...COMMANDS, 'help'].map((name) => name.split(' ')[0] ?? ''))].sort();

const NOWHERE = 'nowhere';

describe('completion', () => {
  let shells: CompletingShells;
  before(() => {
    shells = new CompletingShells();
  });
  after(() => {
    shells.remove();
  });

  for (const shell of SHELLS) {
    describe(`of ${shell}`, () => {
      describeShell(shell, () => shells);
    });
  }

  it('puts words where they belong as readline sees them, in a terminal', async () => {
    const pane = await Pane.start(80, 24);
    try {
      pane.enter(`source ${shells.script('bash')}; clear; echo ready`);
      await pane.shows((screen) => screen.startsWith('ready'));
      const typed = {
        'tcpscope conn': 'tcpscope connlat -',
        'tcpscope connlat --by=remote-': 'tcpscope connlat --by=remote-port',
        'tcpscope connlat --by pid,remote-': 'tcpscope connlat --by pid,remote-port',
        'tcpscope connlat --time=ut': 'tcpscope connlat --time=utc -',
        'tcpscope replay /etc/hostn': 'tcpscope replay /etc/hostname',
        'tcpscope connlat --config=/etc/hostn': 'tcpscope connlat --config=/etc/hostname',
      };
      for (const [line, completed] of Object.entries(typed)) {
        pane.keys('-l', line);
        pane.keys('Tab', 'Tab');
        await pane.shows((screen) => screen.includes(`$ ${completed}`));
        pane.keys('C-u', 'C-l');
      }
    } finally {
      pane.end();
    }
  });

  it('works in bash without the package bash-completion, and behind sudo with it', () => {
    const script = [
      'source /usr/share/bash-completion/bash_completion',
      'source /usr/share/bash-completion/completions/sudo',
      `source ${shells.script('bash')}`,
      'compopt() { :; }',
      'COMP_WORDS=(sudo -E tcpscope connlat --tr) COMP_CWORD=4 COMP_LINE="sudo -E tcpscope connlat --tr" COMP_POINT=29',
      '_sudo; echo "${COMPREPLY[@]}"',
    ];
    assert.equal(shells.run('bash', ['--norc', '-c', script.join('\n')]).trim(), '--transport');
  });

  it('can be sourced as the help says', () => {
    const found = (shell: string, script: string): string => shells.run(shell, ['-c', script]).trim();
    const tcpscope = `${process.execPath} bin/run.js`;
    assert.match(
      found('bash', `source <(${tcpscope} completion bash); complete -p tcpscope`),
      /-F _tcpscope/,
    );
    assert.match(
      found(
        'zsh',
        `autoload -U compinit; compinit -u; source <(${tcpscope} completion zsh); echo $_comps[tcpscope]`,
      ),
      /^_tcpscope$/,
    );
    assert.match(
      found('fish', `${tcpscope} completion fish | source; complete -C 'tcpscope conn'`),
      /^connlat\t/,
    );
  });

  it('says which shells there are', () => {
    assert.match(said(['completion', 'tcsh'], 2), /bash, zsh, fish/);
    assert.match(said(['completion'], 2), /shell/);
  });
});

function describeShell(shell: ShellName, shells: () => CompletingShells): void {
  const offers = (lines: readonly string[]): string[][] => shells().offers(shell, lines);
  /** What is offered for a flag's value, in every way that it can be written, without what is before it. */
  const valuesOf = (command: string, flag: string): string[] => {
    const [apart = [], joined = []] = offers([
      `tcpscope ${command} ${flag} `,
      `tcpscope ${command} ${flag}=`,
    ]);
    assert.deepEqual(
      joined.map((word) => word.replace(`${flag}=`, '')),
      apart,
    );
    return apart;
  };

  it('is sound, and small enough for a start of the shell', () => {
    const script = shells().script(shell);
    shells().run(shell, ['-n', script]);
    const { size } = statSync(script);
    assert.ok(size > 1000 && size < 64 * 1024, String(size));
  });

  it('offers every command, and those below a topic', () => {
    const [top, below, help] = offers(['tcpscope ', 'tcpscope config ', 'tcpscope help ']);
    assert.deepEqual(top, heads);
    assert.deepEqual(below, ['check']);
    assert.deepEqual(help, heads);
  });

  it('offers every flag that --help shows, and nothing else', () => {
    const offered = offers(COMMANDS.map((name) => `tcpscope ${name} --`));
    for (const [at, name] of COMMANDS.entries()) {
      const flags = flagsInHelp(name).filter((flag) => flag.startsWith('--'));
      assert.ok(flags.includes('--help'), name);
      assert.deepEqual(offered[at], flags, name);
    }
    assert.deepEqual(offers(['tcpscope --']), [['--help', '--version']]);
  });

  it('offers the keys of --by that the program knows', () => {
    for (const command of ['connlat', 'retrans'])
      assert.deepEqual(valuesOf(command, '--by'), wordsInAnswer([command, '--by', NOWHERE]), command);
    const both = [
      ...wordsInAnswer(['connlat', '--by', NOWHERE]),
      ...wordsInAnswer(['retrans', '--by', NOWHERE]),
    ];
    for (const command of ['replay', 'diff', 'demo'])
      assert.deepEqual(valuesOf(command, '--by'), [...new Set(both)].sort(), command);
  });

  it('offers the columns that the program knows, of rows and of tables', () => {
    for (const command of ['connlat', 'retrans']) {
      const keys = wordsInAnswer([command, '--by', NOWHERE]).join(',');
      const ofRows = wordsInAnswer([command, '--columns', NOWHERE]);
      const ofTables = wordsInAnswer([command, '--by', keys, '--sort', NOWHERE]);
      assert.deepEqual(valuesOf(command, '--columns'), ofRows);
      assert.deepEqual(valuesOf(`${command} --by pid`, '--columns'), ofTables);
      assert.deepEqual(valuesOf(`${command} --by=pid`, '--columns'), ofTables);
      assert.deepEqual(valuesOf(command, '--sort'), ofTables);
    }
  });

  it('offers kinds, states and other choices', () => {
    assert.deepEqual(valuesOf('retrans', '--kind'), wordsInAnswer(['retrans', '--kind', NOWHERE]));
    assert.deepEqual(valuesOf('retrans', '--state'), wordsInAnswer(['retrans', '--state', NOWHERE]));
    assert.deepEqual(valuesOf('connlat', '--time'), ['epoch', 'local', 'relative', 'utc']);
    assert.deepEqual(valuesOf('connlat', '--transport'), ['auto', 'perf', 'ring']);
    assert.deepEqual(offers(['tcpscope demo ', 'tcpscope doctor ', 'tcpscope completion ']), [
      ['connlat', 'retrans'],
      ['agent', 'connlat', 'health', 'retrans'],
      ['bash', 'fish', 'zsh'],
    ]);
  });

  it('goes on behind a comma, without what is in the list', () => {
    const lines = ['tcpscope connlat --by pid,remote,re', 'tcpscope connlat --by=pid,remote,re'];
    for (const offered of offers(lines))
      assert.deepEqual(
        offered.map((word) => word.replace(/^.*,/, '')),
        ['region', 'remote-port', 'result'],
      );
  });

  it('offers files and folders where the program takes them', () => {
    const lines = [
      ...[
        'connlat --record',
        'replay',
        'replay a.tcpscope',
        'diff a.tcpscope',
        'connlat --config',
        'config check',
      ],
    ].map((words) => `tcpscope ${words} READ`);
    for (const [at, offered] of offers(lines).entries()) assert.deepEqual(offered, ['README.md'], lines[at]);
    const [folders = []] = offers(['tcpscope connlat --host-root s']);
    assert.deepEqual(
      folders.map((folder) => folder.replace(/\/$/, '')),
      ['scripts', 'src'],
    );
  });

  it('offers users, processes and network namespaces', () => {
    const [users, netns, processes] = offers([
      ...['--uid roo', '--netns sel', '--pid '].map((flag) => `tcpscope connlat ${flag}`),
    ]);
    assert.deepEqual(users, ['root']);
    assert.deepEqual(netns, ['self']);
    assert.ok(processes?.includes(String(process.pid)));
  });

  it('offers nothing where anything may stand', () => {
    const offered = offers(['--comm ', '--port ', '--duration '].map((flag) => `tcpscope connlat ${flag}`));
    for (const words of offered) assert.deepEqual(words, []);
  });

  it('leaves out flags that are given and may not be repeated, and those that do not go together with one', () => {
    const [hist = [], csv = [], pid = []] = offers([
      'tcpscope connlat --hist --',
      'tcpscope connlat --csv --duration 1s --',
      'tcpscope connlat --pid 1 --',
    ]);
    assert.ok(!hist.includes('--hist') && !hist.includes('--heatmap') && hist.includes('--json'));
    assert.ok(!csv.includes('--json') && !csv.includes('--duration') && csv.includes('--hist'));
    assert.ok(pid.includes('--pid'));
  });

  it('does not take the value of a flag for a command or a flag', () => {
    const [time, flags] = offers([
      'tcpscope connlat --comm demo --time ',
      'tcpscope connlat --comm --hist --he',
    ]);
    assert.deepEqual(time, ['epoch', 'local', 'relative', 'utc']);
    if (shell === 'bash') assert.deepEqual(flags, ['--heatmap', '--help']);
  });

  if (shell !== 'bash')
    it('works behind sudo', () => {
      assert.deepEqual(offers(['sudo tcpscope connlat --tr']), [['--transport']]);
    });
}
