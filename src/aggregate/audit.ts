/** The self-audit: what was traced, held against the kernel's own counters. Pure: the readings are given. */
import type { AuditCircumstances, CounterGrowth, HandshakeAudit, RetransmitAudit } from '../model/audit.js';
import { formatCount } from '../model/units.js';

/** One clause for the summary of handshakes: agreement, or the difference and its reason. */
export function handshakeAuditSentence(facts: HandshakeAudit): string {
  if (!within(facts.opens, facts.activeOpens))
    return difference('ActiveOpens', facts.activeOpens, facts.opens, {
      ...facts,
      otherwise: 'the kernel counts connections restored or opened where no program may run',
    });
  // AttemptFails also counts incoming handshakes that fail, so only a smaller value would be a contradiction.
  const fails = facts.attemptFails;
  const failsText =
    fails.atMost < facts.fails
      ? `differs: AttemptFails ${growth(fails)}, seen ${formatCount(facts.fails)}`
      : fails.atLeast > facts.fails
        ? `AttemptFails ${growth(fails)} with incoming ones`
        : `AttemptFails +${formatCount(facts.fails)}`;
  return agreement(`ActiveOpens ${growth(facts.activeOpens)}, ${failsText}`, facts);
}

/** The same of retransmissions. */
export function retransmitAuditSentence(facts: RetransmitAudit): string {
  if (!within(facts.segments, facts.retransSegs))
    return difference('RetransSegs', facts.retransSegs, facts.segments, {
      ...facts,
      otherwise: 'segments were sent again where no program may run',
    });
  const failed = facts.failed > 0 ? `, without ${formatCount(facts.failed)} that could not leave` : '';
  return agreement(`RetransSegs ${growth(facts.retransSegs)}${failed}`, facts);
}

function agreement(counters: string, { elsewhere }: AuditCircumstances): string {
  return `agrees with the kernel (${counters})${elsewhereText(elsewhere)}`;
}

function difference(
  counter: string,
  kernel: CounterGrowth,
  seen: number,
  facts: AuditCircumstances & { otherwise: string },
): string {
  const why = reason(facts, seen < kernel.atLeast);
  return `differs from the kernel: ${counter} ${growth(kernel)}, seen ${formatCount(seen)} (${why})${elsewhereText(facts.elsewhere)}`;
}

function elsewhereText(elsewhere: number): string {
  if (elsewhere === 0) return '';
  return `; ${formatCount(elsewhere)} more in network namespaces that could not be read at the end`;
}

function within(value: number, { atLeast, atMost }: CounterGrowth): boolean {
  return atLeast <= value && value <= atMost;
}

function growth({ atLeast, atMost }: CounterGrowth): string {
  return atLeast === atMost
    ? `+${formatCount(atMost)}`
    : `+${formatCount(atLeast)} to +${formatCount(atMost)}`;
}

function reason(facts: AuditCircumstances & { otherwise: string }, seenTooFew: boolean): string {
  if (facts.unseen > 0) return `${formatCount(facts.unseen)} events were not seen`;
  if (facts.namespacesGone > 0)
    return `network namespaces that ended meanwhile: ${formatCount(facts.namespacesGone)}`;
  return seenTooFew ? facts.otherwise : 'a network namespace has ended, or only root can read it';
}
