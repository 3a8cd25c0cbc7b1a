import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reducer } from '#tcpscope/aggregate/reducer.js';
import type { Workload } from '#tcpscope/model/attribution.js';
import type { TextContext } from '#tcpscope/model/column.js';
import type { Handshake } from '#tcpscope/model/handshake.js';
import type { RetransItem, Retransmit } from '#tcpscope/model/retransmit.js';
import type { Display, View } from '#tcpscope/view/view.js';

/** What a session recorded, already decoded. */
export interface Recording<Item> {
  startedNs: number;
  stoppedNs: number;
  clockOffsetNs: number;
  items: readonly Item[];
  /** When an item came. */
  at(item: Item): number;
}

/** What retransmits.json holds: each item without what its flow and others of its type have in common with it. */
interface Abridged {
  startedNs: number;
  stoppedNs: number;
  clockOffsetNs: number;
  defaults: Readonly<Record<RetransItem['type'], Partial<RetransItem>>>;
  flows: Readonly<Record<string, Partial<Retransmit>>>;
  items: readonly (Partial<RetransItem> & Pick<RetransItem, 'type'> & { flow: string })[];
}

const NO_WORKLOAD = {
  containerId: undefined,
  container: undefined,
  pod: undefined,
  namespace: undefined,
  unit: undefined,
};

/** Whose service the processes of the recordings are, by their names. */
const WORKLOADS: Readonly<Record<string, Workload>> = {
  puma: {
    ...NO_WORKLOAD,
    name: 'shop/web-7f9/app',
    cgroup: '/kubepods.slice/kubepods-pod1.slice/cri-containerd-4f2d.scope',
    containerId: '4f2d',
    container: 'app',
    pod: 'web-7f9',
    namespace: 'shop',
  },
  node_exporter: {
    ...NO_WORKLOAD,
    name: 'node_exporter.service',
    cgroup: '/system.slice/node_exporter.service',
    unit: 'node_exporter.service',
  },
};

function withWorkload<Item extends { comm: string }>(item: Item): Item {
  return { ...item, workload: WORKLOADS[item.comm] };
}

/** Tests run in the root of the project. */
export const REPLAY = join(process.cwd(), 'test', 'replay');

export const INTERVAL_NS = 1e9;

function read(file: string): unknown {
  return JSON.parse(readFileSync(join(REPLAY, file), 'utf8'));
}

function readHandshakes(): Recording<Handshake> {
  const { items, ...times } = read('handshakes.json') as Omit<Recording<Handshake>, 'at'>;
  return {
    ...times,
    items: items.map((item) => withWorkload({ ...item, type: 'handshake', cgroupId: 0 })),
    at: ({ endNs }) => endNs,
  };
}

function readRetransmits(): Recording<RetransItem> {
  const { defaults, flows, items, ...times } = read('retransmits.json') as Abridged;
  return {
    ...times,
    items: items.map(({ flow, ...item }) => {
      if (!flows[flow]) throw new Error(`retransmits.json: no flow "${flow}"`);
      return withWorkload({ ...defaults[item.type], ...flows[flow], ...item } as RetransItem);
    }),
    at: ({ timeNs }) => timeNs,
  };
}

/** Every outcome, both families, hostile names, unknown owners. */
export const handshakes: Recording<Handshake> = readHandshakes();

/** Every kind, many states, both families, failures, hostile names, unknown owners; all columns at their widest. */
export const retransmits = readRetransmits();

/** Both recordings began at the same time. */
export const context: TextContext = {
  clockOffsetNs: handshakes.clockOffsetNs,
  timeFormat: 'utc',
  startedNs: handshakes.startedNs,
};

export function display(width: number | undefined, more: Partial<Display> = {}): Display {
  return { width, height: undefined, colorLevel: 0, plain: false, ...more };
}

/** Runs the items through reducers and a view as the session does; gives what came and the frame of each interval. */
export function replay<Item>(
  recording: Recording<Item>,
  view: View<Item>,
  reducers: readonly Reducer<Item>[],
): { text: string; frames: string[] } {
  const { startedNs, stoppedNs, clockOffsetNs, items } = recording;
  let text = view.begin();
  const frames: string[] = [];
  for (const reducer of reducers) reducer.tick(startedNs);
  for (let from = startedNs; from < stoppedNs; from += INTERVAL_NS) {
    const to = from + INTERVAL_NS;
    const batch = items.filter((item) => recording.at(item) >= from && recording.at(item) < to);
    for (const reducer of reducers) for (const item of batch) reducer.add(item);
    text += view.items(batch, clockOffsetNs);
    for (const reducer of reducers) reducer.tick(to);
    const frame = view.frame(to, clockOffsetNs);
    if (frame !== undefined) frames.push(frame);
  }
  return { text, frames };
}
