/** The self-audit: what was traced, held against the kernel's own counters. Pure: the readings are given. */
import type { AuditFacts, CounterGrowth } from '../model/audit.js';
import { formatCount } from '../model/units.js';

/** One clause for the summary: agreement, or the difference and its reason. */
export function auditSentence(facts: AuditFacts): string {
  const elsewhere =
    facts.elsewhere > 0
      ? `; ${formatCount(facts.elsewhere)} more in network namespaces that could not be read at the end`
      : '';
  if (!within(facts.opens, facts.activeOpens))
    return (
      `differs from the kernel: ActiveOpens ${growth(facts.activeOpens)}, seen ${formatCount(facts.opens)} ` +
      `(${reason(facts)})${elsewhere}`
    );
  // AttemptFails also counts incoming handshakes that fail, so only a smaller value would be a contradiction.
  const fails = facts.attemptFails;
  const failsText =
    fails.atMost < facts.fails
      ? `differs: AttemptFails ${growth(fails)}, seen ${formatCount(facts.fails)}`
      : fails.atLeast > facts.fails
        ? `AttemptFails ${growth(fails)} with incoming ones`
        : `AttemptFails +${formatCount(facts.fails)}`;
  return `agrees with the kernel (ActiveOpens ${growth(facts.activeOpens)}, ${failsText})${elsewhere}`;
}

function within(value: number, { atLeast, atMost }: CounterGrowth): boolean {
  return atLeast <= value && value <= atMost;
}

function growth({ atLeast, atMost }: CounterGrowth): string {
  return atLeast === atMost
    ? `+${formatCount(atMost)}`
    : `+${formatCount(atLeast)} to +${formatCount(atMost)}`;
}

function reason(facts: AuditFacts): string {
  if (facts.unseen > 0) return `${formatCount(facts.unseen)} events were not seen`;
  if (facts.namespacesGone > 0)
    return `network namespaces that ended meanwhile: ${formatCount(facts.namespacesGone)}`;
  return facts.opens < facts.activeOpens.atLeast
    ? 'the kernel counts connections restored or opened where no program may run'
    : 'a network namespace has ended, or only root can read it';
}
