/** Mocha's own reporter, which also tells of tests that are tried again. */
import { reporters, type MochaOptions, type Runner, type Test } from 'mocha';

export default class SpecAndRetries extends reporters.Spec {
  constructor(runner: Runner, options: MochaOptions) {
    super(runner, options);
    runner.on('retry', (test: Test, error: Error) => {
      process.stdout.write(
        `again: ${test.fullTitle()}: ${error.message.trimEnd().replaceAll('\n', ' | ')}\n`,
      );
    });
  }
}
