import { formatCount, sanitize } from '../model/units.js';
import { monotonicNs } from '../session/clock.js';

const QUIET_NS = 60e9;
/** Different lines that are remembered. */
const MOST_LINES = 200;

/** What the agent tells on standard error, for a journal: a line each, and the same one at most once a minute. */
export class AgentLog {
  private readonly told = new Map<string, { atNs: number; unsaid: number }>();

  constructor(
    private readonly write: (text: string) => void = (text) => process.stderr.write(text),
    private readonly nowNs: () => number = monotonicNs,
  ) {}

  /** Line feeds become spaces. */
  tell(text: string): void {
    this.write(`tcpscope agent: ${text.split('\n').map(sanitize).join(' ')}\n`);
  }

  /** What may happen again and again. */
  complain(text: string): void {
    const nowNs = this.nowNs();
    const last = this.told.get(text);
    if (last && nowNs - last.atNs < QUIET_NS) {
      last.unsaid++;
      return;
    }
    if (this.told.size >= MOST_LINES) this.told.clear();
    this.told.set(text, { atNs: nowNs, unsaid: 0 });
    const unsaid = last?.unsaid ?? 0;
    this.tell(unsaid === 0 ? text : `${text} (${formatCount(unsaid)} more since this was last said)`);
  }
}
