/** Loaded by Mocha where everything takes longer: TCPSCOPE_TEST_SLOWDOWN says how many times. */

/** 1 on a real machine. */
export const SLOWDOWN = Number(process.env['TCPSCOPE_TEST_SLOWDOWN'] ?? '1');

/** One that waits for what does not come is tried again sooner. */
const LONGEST_MS = 150_000;

/** Fewer of what only makes a test long, such as handshakes at full speed. */
export const fewer = (count: number): number => Math.round(count / SLOWDOWN);

/** How much later than it must be something may be. What it is told of has its own independent bounds elsewhere. */
export const late = (ms: number): number => ms * SLOWDOWN;

export const mochaHooks: Mocha.RootHookObject = {
  beforeEach(this: Mocha.Context) {
    const test = this.currentTest;
    test?.timeout(Math.min(test.timeout() * SLOWDOWN, LONGEST_MS));
  },
};
