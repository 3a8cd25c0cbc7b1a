import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reducer } from '#tcpscope/aggregate/reducer.js';
import type { TextContext } from '#tcpscope/model/column.js';
import type { Handshake } from '#tcpscope/model/handshake.js';
import type { Display, View } from '#tcpscope/view/view.js';

/** What a session recorded, already decoded: every outcome, both families, hostile names, unknown owners. */
interface Fixture {
  startedNs: number;
  stoppedNs: number;
  clockOffsetNs: number;
  handshakes: Handshake[];
}

/** Tests run in the root of the project. */
export const REPLAY = join(process.cwd(), 'test', 'replay');

export const fixture = JSON.parse(readFileSync(join(REPLAY, 'handshakes.json'), 'utf8')) as Fixture;

export const INTERVAL_NS = 1e9;

export const context: TextContext = {
  clockOffsetNs: fixture.clockOffsetNs,
  timeFormat: 'utc',
  startedNs: fixture.startedNs,
};

export function display(width: number | undefined, more: Partial<Display> = {}): Display {
  return { width, height: undefined, colorLevel: 0, ...more };
}

/** Runs the events through reducers and a view as the session does; gives what came and the frame of each interval. */
export function replay(
  view: View<Handshake>,
  reducers: readonly Reducer<Handshake>[],
): { text: string; frames: string[] } {
  const { startedNs, stoppedNs, clockOffsetNs, handshakes } = fixture;
  let text = view.begin();
  const frames: string[] = [];
  for (const reducer of reducers) reducer.tick(startedNs);
  for (let from = startedNs; from < stoppedNs; from += INTERVAL_NS) {
    const to = from + INTERVAL_NS;
    const batch = handshakes.filter(({ endNs }) => endNs >= from && endNs < to);
    for (const reducer of reducers) for (const item of batch) reducer.add(item);
    text += view.items(batch, clockOffsetNs);
    for (const reducer of reducers) reducer.tick(to);
    const frame = view.frame(to, clockOffsetNs);
    if (frame !== undefined) frames.push(frame);
  }
  return { text, frames };
}
