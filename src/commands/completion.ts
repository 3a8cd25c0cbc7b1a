import * as Args from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { bashScript } from '../cli/completion/bash.js';
import { fishScript } from '../cli/completion/fish.js';
import { completionOf } from '../cli/completion/model.js';
import { zshScript } from '../cli/completion/zsh.js';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };
type Shell = keyof typeof SCRIPTS;
const SHELLS = Object.keys(SCRIPTS) as Shell[];

export default class Completion extends BaseCommand {
  static override summary = 'Print the script that makes bash, zsh or fish complete.';
  static override description =
    'The script knows every flag, key and column, and does not run tcpscope at a press of TAB; print it again after an update. ' +
    'To try it: source <(tcpscope completion bash) in bash and, behind compinit, in zsh; tcpscope completion fish | source in fish. ' +
    'It works behind sudo too, where the shell completes what sudo runs. Shells complete the first word of a line, so not npx tcpscope: install ' +
    'it, or define a function tcpscope that calls npx.';

  static override examples = [
    {
      description: 'bash, which needs the package bash-completion to find it there',
      command: '<%= config.bin %> <%= command.id %> bash > /etc/bash_completion.d/tcpscope',
    },
    {
      description: 'zsh, in a folder of $fpath',
      command: '<%= config.bin %> <%= command.id %> zsh > /usr/local/share/zsh/site-functions/_tcpscope',
    },
    {
      description: 'fish',
      command: '<%= config.bin %> <%= command.id %> fish > ~/.config/fish/completions/tcpscope.fish',
    },
  ];

  static override args = {
    shell: Args.custom<Shell>({ description: 'For which shell.', options: SHELLS, required: true })(),
  };

  async run(): Promise<void> {
    const { shell } = (await this.parse(Completion)).args;
    if (!shell) return;
    const commands = await Promise.all(this.config.commands.map((command) => command.load()));
    process.stdout.write(SCRIPTS[shell](completionOf(this.config, commands)));
  }
}
