import { BaseCommand } from '../cli/base-command.js';
import { countFlag, viewFlags } from '../cli/view-flags.js';
import { preflight } from '../kernel/preflight.js';
import { EXIT, Failure } from '../model/failure.js';
import { LEGEND, startDemo } from '../lab/demo.js';

export default class Demo extends BaseCommand {
  static override summary = 'Watch connlat on connections of known fate, made for the purpose.';
  static override description =
    'Makes two network namespaces with fast, slow, refused, SYN-losing and abandoned connections, shows connlat on them, ' +
    'and removes everything. Needs root, iproute2 and /dev/net/tun; touches no other network.';

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --by comm --duration 20s',
    '<%= config.bin %> <%= command.id %> --hist',
  ];

  static override flags = { ...viewFlags, count: countFlag('finished attempts') };

  async run(): Promise<void> {
    const { flags } = await this.parse(Demo);
    preflight([]);
    process.stderr.write(`${LEGEND}\n`);
    const network = await startDemo().catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new Failure(
        EXIT.failure,
        'The demo could not make its networks.',
        why,
        'tcpscope connlat works without.',
      );
    });
    try {
      const duration = flags.duration === undefined ? ['--duration', '10s'] : [];
      await this.config.runCommand('connlat', [...this.argv, ...duration, '--netns', network.client.name]);
    } finally {
      await network.destroy();
    }
  }
}
