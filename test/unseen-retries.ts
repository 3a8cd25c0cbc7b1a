/**
 * Loaded by Mocha. A test that failed while something was hidden from BPF (`kernel/unseen.ts`) is tried again, and the
 * reporter says so; one that failed while nothing was has failed. Guests choose how often themselves (`--retries`).
 */
import { Unseen } from './kernel/unseen.js';
import { SLOWDOWN } from './slowdown.js';

const RETRIES = 2;

/** Undefined where there is nothing to see: no root, no ftrace. */
let witness: Unseen | undefined;

export const mochaHooks: Mocha.RootHookObject = {
  async beforeAll() {
    if (SLOWDOWN === 1) witness = await Unseen.start().catch(() => undefined);
  },
  beforeEach(this: Mocha.Context) {
    if (!witness || !this.currentTest) return;
    const events = witness.events.bind(witness);
    const before = events().length;
    // Mocha asks for it when the test has failed.
    const retries = (): number => (events().length > before ? RETRIES : 0);
    Object.assign(this.currentTest, { retries });
  },
  async afterAll() {
    await witness?.end();
  },
};
