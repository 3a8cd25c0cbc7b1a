/** A first pass over a recording: what has to be known of all of it before its first item can be shown. */
import { ClockTrack } from './clock.js';
import { isHandshake, itemTimeNs } from './items.js';
import { meetingOf, MeetingSample } from './meetings.js';
import type { RecordingFile } from './reader.js';

export interface Survey {
  readonly items: number;
  /** Of the items; undefined if there are none. */
  readonly firstNs: number | undefined;
  readonly lastNs: number | undefined;
  readonly clock: ClockTrack;
  /** Names of remote addresses, also those that were found after the items. */
  readonly names: ReadonlyMap<string, string>;
  readonly meetings: MeetingSample;
  /** True if a configuration said where addresses are. */
  readonly hasRegions: boolean;
}

/** Reads all that is there; `file` knows afterwards whether it is complete. */
export async function survey(file: RecordingFile): Promise<Survey> {
  const names = new Map<string, string>();
  const clock = new ClockTrack(file.head.clock);
  const meetings = new MeetingSample();
  let [items, firstNs, lastNs, hasRegions] = [0, Infinity, -Infinity, false];
  for await (const lines of file.lines({ defined: names }))
    for (const line of lines) {
      if (line.kind === 'clock') clock.add(line.clock);
      else if (line.kind === 'meeting') meetings.add(line.meeting);
      else if (line.kind === 'item') {
        const { item } = line;
        items++;
        firstNs = Math.min(firstNs, itemTimeNs(item));
        lastNs = Math.max(lastNs, itemTimeNs(item));
        hasRegions ||= item.remotePlace?.region !== undefined;
        const meeting = isHandshake(item) ? meetingOf(item) : undefined;
        if (meeting) meetings.add(meeting);
      }
    }
  return {
    items,
    firstNs: items > 0 ? firstNs : undefined,
    lastNs: items > 0 ? lastNs : undefined,
    clock,
    names,
    meetings,
    hasRegions,
  };
}
