/** A reporter of Mocha that writes a line of JSON a test, so that what a guest has done is known if it dies. */
import { reporters, type MochaOptions, type Runner, type Test } from 'mocha';
import { tellsRetries } from '../reporter.js';
import { HOST_ONLY, skipReasons, type TestResult } from './result.js';

export default class JsonLines extends reporters.Base {
  constructor(runner: Runner, options: MochaOptions) {
    super(runner, options);
    const write = (
      test: { fullTitle(): string; duration?: number | undefined },
      state: TestResult['state'],
      text = '',
    ): void => {
      const result: TestResult = { title: test.fullTitle(), state, durationMs: test.duration ?? 0, text };
      process.stdout.write(`${JSON.stringify(result)}\n`);
    };
    runner.on('pass', (test) => {
      write(test, 'passed');
    });
    runner.on('fail', (test, error: Error) => {
      write(test, 'failed', error.stack ?? error.message);
    });
    tellsRetries(runner);
    runner.on('pending', (test) => {
      write(test, 'skipped', reason(test));
    });
  }
}

/** A test that was skipped when it was declared has no function. */
function reason(test: Test): string {
  if (!test.fn) return HOST_ONLY;
  for (let suite = test.parent; suite; suite = suite.parent) {
    const known = skipReasons.get(suite.fullTitle());
    if (known !== undefined) return known;
  }
  return 'for no known reason';
}
