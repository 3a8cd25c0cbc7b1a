import type { SelfCost } from '../model/self-cost.js';
import type { Losses } from '../model/source.js';
import type { SummaryFacts, Unshown } from '../model/summary.js';
import { formatCount, formatElapsed, formatRate } from '../model/units.js';
import { createPaint, type Paint } from './paint.js';
import { quantileText } from './quantiles.js';
import { costClauses } from './self-cost.js';
import { filled, textWidth } from './width.js';
import type { Display } from './view.js';

export interface SummaryOptions {
  facts: SummaryFacts;
  durationNs: number;
  losses: Losses;
  unshown?: Unshown;
  /** Absent for a recording, which costs nobody anything. */
  cost?: SelfCost | undefined;
  /** `agrees with the kernel (ActiveOpens +1,204)`, or why not; absent where totals cannot be compared. */
  audit?: string;
  colorLevel: Display['colorLevel'];
  /** Of the terminal, for breaking lines between clauses; absent: lines however long. */
  width?: number | undefined;
}

/** Clauses with `; ` between them. A line breaks between clauses; within one only if no line holds it. */
function joined(clauses: readonly string[], width = Infinity): string {
  const lines = filled(clauses, '; ', width);
  return lines
    .flatMap((line) => (textWidth(line) <= width ? line : filled(line.split(/(?<=[,:;]) /), ' ', width)))
    .join('\n');
}

function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${count === 1 ? noun : `${noun}s`}`;
}

/** What was seen: `1,204 attempts in 42.0 s (28.7/s): 1,198 ok, 2 refused; 3 lost a SYN`. */
function seen({ noun, count, outcomes, notes }: SummaryFacts, durationNs: number): string[] {
  const rate = durationNs > 0 && count > 0 ? ` (${formatRate(count / (durationNs / 1e9))}/s)` : '';
  const ends = outcomes
    .filter(([, ended]) => ended > 0)
    .map(([label, ended]) => `${formatCount(ended)} ${label}`);
  const head = `${formatCount(count)} ${count === 1 ? noun.replace(/s$/, '') : noun} in ${formatElapsed(durationNs)}${rate}`;
  const body = ends.length > 0 ? `${head}: ${ends.join(', ')}` : head;
  return [body, ...notes];
}

/** What an interval saw, where it has no rows: `~4,512 attempts in 1.0 s (4.5k/s): …; ok latency p50 …`. */
export function intervalLine(facts: SummaryFacts, durationNs: number, isEstimate: boolean): string {
  const [body = '', ...notes] = seen(facts, durationNs);
  const { latency } = facts;
  const clauses = [isEstimate ? `~${body}` : body, ...notes];
  if (latency && latency.histogram.count > 0)
    clauses.push(`${latency.label} ${quantileText(latency.histogram)}`);
  return clauses.join('; ');
}

/** What is missing: lost events always, the rest where there is any. */
function missing({ lost, untracked, missed, unowned = 0, uncounted = 0 }: Losses, paint: Paint): string[] {
  const warn = (count: number, text: string): string => (count > 0 ? paint.tone('warn', text) : text);
  const clauses = [warn(lost, `${counted(lost, 'event')} lost`)];
  if (unowned > 0) clauses.push(warn(unowned, `${counted(unowned, 'event')} of unknown owner not shown`));
  if (uncounted > 0)
    clauses.push(
      warn(uncounted, `${counted(uncounted, 'look')} at sockets too many to count what they sent`),
    );
  if (untracked > 0) clauses.push(warn(untracked, `${counted(untracked, 'attempt')} untracked (map full)`));
  if (missed > 0) clauses.push(warn(missed, `${counted(missed, 'event')} missed (program busy)`));
  return clauses;
}

/** What was counted all the same. */
function hidden({ rows, reasons, intervals }: Unshown, paint: Paint): string[] {
  const clauses: string[] = [];
  if (rows > 0) clauses.push(paint.tone('warn', `${counted(rows, 'row')} not shown (${reasons.join(', ')})`));
  if (intervals > 0)
    clauses.push(paint.tone('warn', `${counted(intervals, 'interval')} not shown (slow output)`));
  return clauses;
}

/** The lines at the end of a session: what was seen, how good that is, and what it cost. */
export function summary({
  facts,
  durationNs,
  losses,
  unshown,
  cost,
  audit,
  colorLevel,
  width,
}: SummaryOptions): string {
  const { latency, ownersUnknown } = facts;
  const paint = createPaint(colorLevel);
  const clauses = [...missing(losses, paint), ...(unshown ? hidden(unshown, paint) : [])];
  if (latency && latency.histogram.count > 0)
    clauses.unshift(`${latency.label} ${quantileText(latency.histogram)}`);
  if (ownersUnknown > 0) clauses.push(`${counted(ownersUnknown, 'owner')} unknown`);
  if (audit !== undefined) clauses.push(audit);
  const lines = [joined(seen(facts, durationNs), width), joined(clauses, width)];
  if (cost) lines.push(filled(costClauses(cost, facts.count), ', ', width ?? Infinity).join('\n'));
  return `${lines.join('\n')}\n`;
}
