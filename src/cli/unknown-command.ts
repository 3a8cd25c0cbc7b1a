import { EXIT, Failure } from '../model/failure.js';
import { likely } from '../model/nearest.js';
import { sanitize } from '../model/units.js';

const ADVICE = 'See: tcpscope --help';

/**
 * What is said of words that no command begins with: exit code 2.
 * @param words what was typed
 * @param commands names of all commands: `connlat`, `config check`
 */
export function unknownCommand(words: readonly string[], commands: readonly string[]): Failure {
  const [first = '', second] = words;
  if (first.startsWith('-'))
    return new Failure(
      EXIT.usage,
      `No command before ${sanitize(first)}.`,
      'Flags follow a command, as in: tcpscope connlat --by remote',
      ADVICE,
    );
  const below = commands.filter((name) => name.startsWith(`${first} `));
  const wrong = below.length > 0 && second !== undefined ? `${first} ${second}` : first;
  const choices = below.length > 0 ? below : commands;
  // Somebody who forgot the topic of a command means the command.
  const nested = choices.find((name) => name.endsWith(` ${first}`));
  const meant = nested ?? likely(wrong, choices);
  const why = meant === undefined ? `Commands: ${choices.join(', ')}` : `Did you mean ${meant}?`;
  return new Failure(EXIT.usage, `Unknown command: ${sanitize(wrong)}`, why, ADVICE);
}
