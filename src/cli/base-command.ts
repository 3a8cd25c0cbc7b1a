/** What every command shares: how failures are told and which exit code they have. */
import { Command } from '@oclif/core/command';
import * as Errors from '@oclif/core/errors';
import * as Flags from '@oclif/core/flags';
import { EXIT, Failure } from '../model/failure.js';
import { sanitize } from '../model/units.js';
import { nearest } from '../model/nearest.js';
import { DEBUG, failureText } from './failure-text.js';

const SHORT_DIGITS: Readonly<Record<string, string>> = { '-4': '--ipv4', '-6': '--ipv6' };

export abstract class BaseCommand extends Command {
  static override baseFlags = {
    help: Flags.help({ char: 'h', helpGroup: 'GLOBAL', description: 'Show all flags and examples.' }),
  };

  protected override init(): Promise<void> {
    // oclif takes -4 for a negative number, and its short flags are letters only.
    this.argv = this.argv.map((word) => SHORT_DIGITS[word] ?? word);
    return super.init() as Promise<void>;
  }

  /** One line what, one why, one what to do; a stack only for our own mistakes or with DEBUG=tcpscope:*. */
  protected override catch(error: Error): Promise<never> {
    const failure = this.toFailure(error);
    if (!failure) throw error;
    process.stderr.write(failureText(failure));
    this.exit(failure.exitCode);
  }

  private toFailure(error: Error): Failure | undefined {
    if (error instanceof Failure) return error;
    if (error instanceof Errors.ExitError) return undefined;
    // Flag values are checked by pure functions that know no exit codes.
    if (error instanceof RangeError)
      return new Failure(EXIT.usage, sanitize(error.message), '', this.helpAdvice);
    if (error instanceof Errors.CLIError) {
      const what = essence(error.message);
      return new Failure(EXIT.usage, what, this.suggestion(what), this.helpAdvice);
    }
    return DEBUG
      ? undefined
      : new Failure(
          EXIT.failure,
          error.message,
          'This is a mistake in tcpscope.',
          'Please report it with the output of DEBUG=tcpscope:*.',
        );
  }

  private get helpAdvice(): string {
    return `See: ${this.config.bin} ${(this.id ?? '').replaceAll(':', ' ')} --help`;
  }

  /** For commands that take any number of words. */
  protected unknownFlag(flag: string): Failure {
    const what = `Nonexistent flag: ${sanitize(flag)}`;
    return new Failure(EXIT.usage, what, this.suggestion(what), this.helpAdvice);
  }

  private suggestion(message: string): string {
    const wrong = /^Nonexistent flags?: -{0,2}([\w-]+)/.exec(message)?.[1];
    const flags = Object.keys({ ...BaseCommand.baseFlags, ...this.ctor.flags });
    return wrong === undefined ? '' : `Did you mean --${nearest(wrong, flags)}?`;
  }
}

const sanitizeLines = (text: string): string => text.split('\n').map(sanitize).join('\n');

/** oclif's message without its introduction and its advice, on one line. */
function essence(message: string): string {
  return sanitizeLines(message)
    .split('\n')
    .map((line) => line.trim())
    .filter(
      (line) =>
        line !== '' &&
        !/^(The following errors? occurred:|See more help|Note: |Alternatively, you can)/.test(line),
    )
    .join('; ')
    .replaceAll(':; ', ': ');
}
