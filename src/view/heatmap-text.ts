/** A heatmap in words: for a screen reader, and for whoever cannot see shades. */
import { commonBand, limitParts } from '../model/bands.js';
import type { HeatmapColumn, HeatmapSource } from '../model/heatmap-section.js';
import type { LatencyHistogram } from '../model/histogram.js';
import { formatCount } from '../model/units.js';
import { columnsIn, type Intervals } from './heatmap-intervals.js';

/** `most between 400 and 500 µs`. */
function commonText(histogram: LatencyHistogram): string | undefined {
  const band = commonBand(histogram);
  if (!band) return undefined;
  const [from, fromUnit] = limitParts(band.fromNs);
  const [to, toUnit] = limitParts(band.toNs);
  return `most between ${from}${fromUnit === toUnit ? '' : ` ${fromUnit}`} and ${to} ${toUnit}`;
}

/** `212 ok, p50 402 µs, p95 1.20 ms, most between 400 and 500 µs`. */
function valuesText({ measure, result }: HeatmapSource, histogram: LatencyHistogram): string | undefined {
  const { count, max } = histogram;
  if (count === 0 || max === undefined) return undefined;
  if (count === 1) return `1 ${result}, ${measure.text(max)}`;
  const quantile = (q: number): string => measure.text(histogram.quantile(q) ?? 0);
  const parts = [`${formatCount(count)} ${result}`, `p50 ${quantile(0.5)}`, `p95 ${quantile(0.95)}`];
  const common = commonText(histogram);
  return [...parts, ...(common === undefined ? [] : [common])].join(', ');
}

/** `3 refused, 1 pending`. */
function othersText({ others }: HeatmapSource, counts: readonly number[]): string | undefined {
  const parts = others.flatMap(({ label }, at) => {
    const count = counts[at] ?? 0;
    return count > 0 ? [`${formatCount(count)} ${label}`] : [];
  });
  return parts.length > 0 ? parts.join(', ') : undefined;
}

function columnText(source: HeatmapSource, { histogram, others }: HeatmapColumn): string {
  return [valuesText(source, histogram), othersText(source, others)]
    .filter((part) => part !== undefined)
    .join('; ');
}

/** A line an interval and group; one that says so where nothing happened. `top`: how many groups. */
export function heatmapSentences(
  source: HeatmapSource,
  intervals: Intervals,
  top: number | undefined,
  timeText: (ns: number) => string,
): string[] {
  const lines = intervals.endsNs.map((): string[] => []);
  for (const section of source.sections().slice(0, top)) {
    const name = section.title === '' ? '' : ` ${section.title}`;
    for (const column of columnsIn(section, intervals)) {
      const at = column.interval - intervals.first;
      const time = timeText(intervals.endsNs[at] ?? 0);
      lines[at]?.push(`${time}${name}: ${columnText(source, column)}`);
    }
  }
  return lines.flatMap((ofInterval, at) =>
    ofInterval.length > 0 ? ofInterval : [`${timeText(intervals.endsNs[at] ?? 0)}: nothing`],
  );
}
