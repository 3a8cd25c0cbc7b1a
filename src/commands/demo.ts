import * as Args from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { countFlag, viewFlags } from '../cli/view-flags.js';
import { preflight } from '../kernel/preflight.js';
import { keepPrivileges } from '../kernel/renounce.js';
import { EXIT, Failure } from '../model/failure.js';
import { DEMOS } from '../lab/demo.js';

const COMMANDS = { connlat: () => import('./connlat.js'), retrans: () => import('./retrans.js') };

export default class Demo extends BaseCommand {
  static override summary = 'Watch connlat or retrans on connections of known fate.';
  static override description =
    'Makes network namespaces with connections that are fast, slow, refused or abandoned (connlat), or lose segments of each ' +
    'kind (retrans), shows the command on them, and removes everything. Needs root, iproute2 and /dev/net/tun; touches no ' +
    'other network.';

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --by comm --duration 20s',
    '<%= config.bin %> <%= command.id %> retrans',
    '<%= config.bin %> <%= command.id %> retrans --by comm',
  ];

  static override args = {
    command: Args.custom<keyof typeof DEMOS>({
      description: 'What to show.',
      options: Object.keys(COMMANDS) as (keyof typeof DEMOS)[],
      default: 'connlat',
    })(),
  };

  static override flags = { ...viewFlags, count: countFlag('finished attempts or retransmissions') };

  async run(): Promise<void> {
    const { args, flags, raw } = await this.parse(Demo);
    const { command = 'connlat' } = args;
    const passed = raw.flatMap((token) => {
      if (token.type === 'arg') return [];
      const isBoolean = (Demo.flags as Record<string, { type: string }>)[token.flag]?.type === 'boolean';
      return [isBoolean ? `--${token.flag}` : `--${token.flag}=${token.input}`];
    });
    preflight([]);
    process.stderr.write(`${DEMOS[command].legend}\n`);
    const demo = await DEMOS[command].start().catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new Failure(
        EXIT.failure,
        'The demo could not make its networks.',
        why,
        `tcpscope ${command} works without.`,
      );
    });
    keepPrivileges();
    try {
      const duration = flags.duration === undefined ? ['--duration', '10s'] : [];
      const { default: shown } = await COMMANDS[command]();
      await shown.run([...passed, ...duration, '--netns', demo.namespaces.join(',')], this.config);
    } finally {
      await demo.destroy();
    }
  }
}
