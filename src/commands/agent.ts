import * as Flags from '@oclif/core/flags';
import { attributionFlags, hostRootFlag } from '../cli/attribution-flags.js';
import { BaseCommand } from '../cli/base-command.js';
import { filterFlags } from '../cli/filter-flags.js';
import { print } from '../cli/print.js';

export default class Agent extends BaseCommand {
  static override summary = 'Measure all the time, for Prometheus, OpenTelemetry and Datadog.';
  static override description =
    'Counts handshakes, failures and retransmissions in the kernel and publishes them, by namespace, region and side, until a ' +
    'signal ends it. Without a configuration: http://127.0.0.1:9469/metrics. The section agent of the configuration has the ' +
    'outputs; SIGHUP reads it again. /healthz says whether it measures.';

  static override examples = [
    {
      description: 'Metrics on the loopback address',
      command: '<%= config.bin %> <%= command.id %>',
    },
    {
      description: 'With outputs of your choice',
      command: '<%= config.bin %> <%= command.id %> --config /etc/tcpscope/config.yaml',
    },
    {
      description: 'Whether it could begin with that',
      command: '<%= config.bin %> <%= command.id %> --config /etc/tcpscope/config.yaml --check',
    },
  ];

  static override flags = {
    config: attributionFlags.config,
    check: Flags.boolean({
      description: 'Read the configuration and all files that it names, say what would be done, and end.',
      helpGroup: 'AGENT',
    }),
    netns: filterFlags.netns,
    'host-root': hostRootFlag,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Agent);
    const { version } = this.config;
    if (flags.check) {
      const { checkAgentConfig } = await import('../cli/agent-check.js');
      await print(`${await checkAgentConfig(flags.config, version)}\n`);
      return;
    }
    const { runConfiguredAgent } = await import('../cli/agent-run.js');
    await runConfiguredAgent(flags, version);
  }
}
