/** Mocha's own reporter, which also tells of tests that are tried again. */
import { reporters, type MochaOptions, type Runner, type Test } from 'mocha';

/** One line, whatever the message has. */
export function tellsRetries(runner: Runner): void {
  runner.on('retry', (test: Test, error: Error) => {
    process.stdout.write(`again: ${test.fullTitle()}: ${error.message.trimEnd().replaceAll('\n', ' | ')}\n`);
  });
}

export default class SpecAndRetries extends reporters.Spec {
  constructor(runner: Runner, options: MochaOptions) {
    super(runner, options);
    tellsRetries(runner);
  }
}
