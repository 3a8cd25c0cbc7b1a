import type { Interfaces } from '@oclif/core';
import { Help as OclifHelp } from '@oclif/core/help';

/** What somebody in an incident asks first; what is not named here follows, from A to Z. */
const FIRST = ['health', 'connlat', 'retrans', 'agent', 'fleet', 'doctor', 'demo', 'replay', 'diff'];

export const ROOT_EXAMPLES = [
  { description: 'Which peers are slow to connect to, or fail', command: 'tcpscope connlat --by remote' },
  {
    description: 'To which peers segments get lost, and how long flows stood still',
    command: 'tcpscope retrans --by remote',
  },
  {
    description: 'Ten minutes on file, to look at and compare later',
    command: 'tcpscope connlat --record incident.tcpscope --duration 10m',
  },
];

const rank = (name: string): number => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);

/** Orders names of commands. */
export const byImportance = (a: string, b: string): number => rank(a) - rank(b) || (a < b ? -1 : 1);

/** Names of commands with what they are for, in the order of the help. */
export function commandList(config: Interfaces.Config): [name: string, summary: string][] {
  return config.commands
    .filter(({ hidden }) => !hidden)
    .map(({ id, summary, description }): [string, string] => [
      id.replaceAll(':', ' '),
      (summary ?? description ?? '').replaceAll('<%= config.bin %>', config.bin),
    ])
    .sort(([a], [b]) => byImportance(a, b));
}

/** oclif's help of commands, and one of the whole program that begins with what is needed first. */
export default class Help extends OclifHelp {
  protected override showRootHelp(): Promise<void> {
    const { description: purpose = '' } = this.config.pjson as { description?: string };
    const examples = ROOT_EXAMPLES.map(({ description, command }) => `${description}\n  $ ${command}`);
    const sections = [
      `${this.wrap(purpose)}.`,
      this.section('USAGE', `$ ${this.config.bin} COMMAND [flags]`),
      this.section('COMMANDS', this.list(commandList(this.config))),
      this.section('EXAMPLES', examples.join('\n')),
      this.section(
        'FLAGS',
        this.list([
          ['-h, --help', 'Show this; behind a command, its flags and examples.'],
          ['--version', 'Show the version, and what it was built with.'],
        ]),
      ),
      this.wrap(
        `Tracing needs root. All of a command: ${this.config.bin} COMMAND --help, or man ${this.config.bin}-COMMAND.`,
      ),
    ];
    this.log(sections.join('\n\n'));
    return Promise.resolve();
  }

  private list(pairs: [string, string][]): string {
    return this.renderList(pairs, { indentation: 2, spacer: '\n', stripAnsi: this.opts.stripAnsi ?? false });
  }
}
