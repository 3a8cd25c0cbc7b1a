/** The part of `health` that is of the whole host: a line a figure, with its mark. */
import type { HealthRow } from '../aggregate/health.js';
import type { Side } from '../aggregate/health-sums.js';
import { formatLimit, formatShare, worstOf, type Standing, type ThresholdName } from '../model/thresholds.js';
import { formatCount, formatDuration, formatElapsed, formatRate } from '../model/units.js';
import { countsText, judgementOf, MARKS, toneOf, WORDS } from './health-words.js';
import type { Paint } from './paint.js';
import { durationText } from './quantiles.js';
import { sparkline } from './scale.js';
import type { Display } from './view.js';
import { textWidth } from './width.js';

const LABEL_WIDTH = 15;
const CURVE = { least: 10, most: 60 };

/** A line of what the host did. */
export interface HostLine {
  label: string;
  text: string;
  standing?: Standing | undefined;
  /** Values for a curve behind it. */
  recent?: (length: number) => readonly (number | undefined)[];
}

const standingsOf = (row: HealthRow, names: readonly ThresholdName[]): Standing | undefined => {
  const standings = names.flatMap((name) => judgementOf(row, name)?.standing ?? []);
  return standings.length === 0 ? undefined : worstOf(standings);
};

function attemptsLine(host: HealthRow, pending: number): HostLine {
  const { attempts, failed } = host.sums;
  const rate = host.seconds > 0 && attempts > 0 ? ` (${formatRate(attempts / host.seconds)}/s)` : '';
  const failures = failed === 0 ? 'none failed' : countsText(host.sums.failures());
  const hanging = pending > 0 ? `; ${formatCount(pending)} hang now` : '';
  const text =
    attempts === 0 ? `none ended${hanging}` : `${formatCount(attempts)}${rate}, ${failures}${hanging}`;
  return { label: 'Attempts', text, standing: standingsOf(host, ['failures']) };
}

function sideLine(host: HealthRow, side: Side, plain: boolean): HostLine {
  const names = ([50, 95, 99] as const).map((percent) => [percent, `p${percent}-${side}`] as const);
  const latency = host.sums.latency(side);
  const quantiles = names.map(([percent, name]) => {
    const judgement = judgementOf(host, name);
    const value = durationText(latency.quantile(percent / 100));
    const over = judgement?.standing === 'crossed' ? ` (> ${formatLimit(name, judgement.limit)})` : '';
    return `P${percent} ${over === '' || plain ? '' : MARKS.crossed}${value}${over}`;
  });
  const label = side === 'internal' ? 'Inside' : 'Outside';
  const text = latency.count === 0 ? 'none' : `${formatCount(latency.count)} ok, ${quantiles.join('  ')}`;
  const standing = standingsOf(
    host,
    names.map(([, name]) => name),
  );
  return { label, text, standing, recent: (length) => host.recent(length, side) };
}

function lossLines(host: HealthRow): HostLine[] {
  const { attempts, lostSyn, sent, resent, stallNs, acceptOverflows } = host.sums;
  const kinds = countsText(host.sums.kinds());
  const ratio =
    sent === 0 ? '' : `${formatShare(Math.min(1, resent / sent))} of ${formatCount(sent)} segments`;
  const perSecond = host.seconds > 0 ? `, ${formatDuration(stallNs / host.seconds)} a second` : '';
  return [
    {
      label: 'SYN loss',
      text:
        attempts === 0 || lostSyn === 0
          ? 'none'
          : `${formatShare(lostSyn / attempts)}, ${formatCount(lostSyn)} had to send their SYN again`,
      standing: standingsOf(host, ['syn-loss']),
    },
    {
      label: 'Sent again',
      text: [ratio, kinds].filter((text) => text !== '').join(': ') || 'nothing',
      standing: standingsOf(host, ['retransmits']),
    },
    {
      label: 'Standstill',
      text: stallNs === 0 ? 'none' : `flows stood still for ${formatElapsed(stallNs)}${perSecond}`,
      standing: standingsOf(host, ['stall']),
    },
    {
      label: 'Accept queues',
      text: acceptOverflows === 0 ? 'none was full' : `full for ${formatCount(acceptOverflows)} connections`,
      standing: standingsOf(host, ['accept-overflows']),
    },
  ];
}

function plainLine({ label, text, standing }: HostLine): string {
  return `${label}: ${text}${standing ? ` (${WORDS[standing]})` : ''}`;
}

/** All that the host did, a line each. */
export function hostLines(host: HealthRow, pending: number, plain: boolean): HostLine[] {
  return [
    attemptsLine(host, pending),
    sideLine(host, 'internal', plain),
    sideLine(host, 'external', plain),
    ...lossLines(host),
  ];
}

/** `✓ Inside  …` with a curve behind it where there is room; all curves begin in one column. */
export function drawHostLines(
  lines: readonly HostLine[],
  { width, plain }: Readonly<Display>,
  paint: Paint,
): string[] {
  if (plain) return lines.map(plainLine);
  const texts = lines.map(({ label, text, standing }) => {
    const mark = standing ? MARKS[standing] : ' ';
    return `${mark} ${label.padEnd(LABEL_WIDTH)}${text}`;
  });
  const curved = texts.filter((_, at) => lines[at]?.recent);
  const begin = Math.max(...curved.map(textWidth)) + 2;
  const room = width === undefined ? CURVE.most : Math.min(CURVE.most, width - begin);
  return lines.map(({ standing, recent }, at) => {
    const text = texts[at] ?? '';
    const painted = paint.tone(toneOf(standing), text);
    if (!recent || room < CURVE.least) return painted;
    const curve = sparkline(recent(room)).trimEnd();
    return curve === '' ? painted : painted + ' '.repeat(begin - textWidth(text)) + curve;
  });
}
