import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { hostRootFlag, requireHostRoot } from '../cli/attribution-flags.js';
import { BaseCommand } from '../cli/base-command.js';
import { collectFacts } from '../cli/doctor-facts.js';
import { print } from '../cli/print.js';
import { requireChoice } from '../cli/values.js';
import { currentDisplay } from '../cli/view-flags.js';
import { summaryOf, verdictOf } from '../model/diagnosis/check.js';
import { diagnose } from '../model/diagnosis/diagnose.js';
import { NEEDS_OF, TRACING_COMMANDS } from '../model/tracing-commands.js';
import { doctorJson, doctorText } from '../view/doctor.js';

export default class Doctor extends BaseCommand {
  static override summary = 'What works on this host, what does not, and how to mend it.';
  static override description =
    'Tries in the kernel what the commands need of it: loads a small program, attaches it, reads its event; loads the programs ' +
    'of each command; and looks at privileges, cgroups, /proc, containers, clocks and limits. Leaves nothing behind. Exit code ' +
    '0: all commands work; 69: the kernel lacks something; 77: the privilege is missing.';

  static override examples = [
    { description: 'Does tcpscope work on this host', command: '<%= config.bin %> <%= command.id %>' },
    { description: 'Only what one command needs', command: '<%= config.bin %> <%= command.id %> retrans' },
    {
      description: 'In a debug container, with the host mounted at /host',
      command: '<%= config.bin %> <%= command.id %> --host-root /host',
    },
    {
      description: 'What is not as it should be, for jq',
      command: '<%= config.bin %> <%= command.id %> --json | jq -r \'select(.status == "failed") | .check\'',
    },
  ];

  static override args = {
    command: Args.string({
      description: `Only what this command needs: ${Object.keys(NEEDS_OF).join(', ')}.`,
    }),
  };

  static override flags = {
    plain: Flags.boolean({
      description: 'For a screen reader: words in place of signs, no colours.',
      exclusive: ['json'],
      helpGroup: 'VIEW',
    }),
    json: Flags.boolean({
      description: 'NDJSON: an object a check, and a last one that sums them up.',
      helpGroup: 'VIEW',
    }),
    'host-root': hostRootFlag,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Doctor);
    const commands =
      args.command === undefined
        ? TRACING_COMMANDS
        : NEEDS_OF[requireChoice('doctor', args.command, Object.keys(NEEDS_OF))]!;
    // That of this very system is a check, and its absence no mistake of the user's.
    if (flags['host-root'] !== '/') requireHostRoot(flags['host-root']);
    const facts = await collectFacts(flags['host-root'], commands);
    const checks = diagnose(facts, commands);
    const verdict = verdictOf(checks, commands);
    const summary = summaryOf(verdict, facts.process.uid === 0 ? undefined : facts.process.sudo);
    const text = flags.json
      ? doctorJson(checks, summary, verdict)
      : doctorText(checks, summary, { ...currentDisplay(flags), unicode: isUnicode(process.env) });
    process.exitCode = verdict.exitCode;
    await print(text);
  }
}

/** As locale(7) says: the first of these that is set decides. */
function isUnicode(env: Readonly<Record<string, string | undefined>>): boolean {
  return /utf-?8/i.test((env['LC_ALL'] || env['LC_CTYPE'] || env['LANG']) ?? '');
}
