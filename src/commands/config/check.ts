import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { ConfigError } from '../../attribute/config.js';
import { Places } from '../../attribute/places.js';
import { BaseCommand } from '../../cli/base-command.js';
import { configToJson, describeAnswers, describeConfig, mistakesToJson } from '../../cli/place-report.js';
import { print } from '../../cli/print.js';
import { readConfig, toFailure } from '../../host/config-file.js';
import { sanitize } from '../../model/units.js';

export default class ConfigCheck extends BaseCommand {
  static override summary = 'Check a configuration file and explain what addresses become.';
  static override description =
    'Reads a file that maps networks to regions and roles and says what is internal. Each mistake is told with its line and ' +
    'column (exit 2). For each address it prints region, role and side, and the network of the file that decided. Needs no root.';

  static override examples = [
    '<%= config.bin %> <%= command.id %> /etc/tcpscope/config.yaml',
    '<%= config.bin %> <%= command.id %> config.yaml 10.1.4.7 2001:db8::1 203.0.113.9',
    '<%= config.bin %> <%= command.id %> config.yaml 10.1.4.7 --json',
  ];

  static override args = {
    file: Args.string({ description: 'The configuration file.', required: true }),
    addresses: Args.string({ description: 'Addresses to explain.', multiple: true }),
  };

  static override flags = {
    json: Flags.boolean({ description: 'One JSON object, also for mistakes.', helpGroup: 'OUTPUT' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConfigCheck);
    const file = sanitize(args.file);
    try {
      const config = await readConfig(args.file);
      const places = new Places(config);
      const answers = (args.addresses ?? []).map((address) => ({ address, ...places.explain(address) }));
      const lines = flags.json
        ? [JSON.stringify(configToJson(file, config, answers))]
        : [...describeConfig(file, config), ...(answers.length > 0 ? ['', ...describeAnswers(answers)] : [])];
      await printLines(lines);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      if (flags.json) await printLines([JSON.stringify(mistakesToJson(file, error))]);
      throw toFailure(error);
    }
  }
}

const printLines = (lines: readonly string[]): Promise<void> => print(`${lines.join('\n')}\n`);
