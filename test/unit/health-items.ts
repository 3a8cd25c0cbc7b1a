import { DEFAULT_THRESHOLDS, type Thresholds } from '#tcpscope/model/thresholds.js';
import type { GroupKey } from '#tcpscope/aggregate/grouping.js';
import { Health } from '#tcpscope/aggregate/health.js';
import { OUTCOMES, type HandshakeSum, type Outcome } from '#tcpscope/model/handshake.js';
import { bucketIndex } from '#tcpscope/model/histogram.js';
import type { AcceptOverflows, NetworkItem } from '#tcpscope/model/network.js';
import type { Retransmit, SocketGrowth } from '#tcpscope/model/retransmit.js';
import { growth, retransmit } from './retransmits.js';

const FLOW = {
  ...{ localAddress: '::', localPort: 0, remoteAddress: '::', remotePort: 0 },
  ...{ netns: 0, cgroupId: 0, uid: 0, pid: 0, comm: '' },
};

/** Whose it is, and where the other end. */
export interface Where {
  unit?: string;
  region?: string;
  external?: boolean;
}

function attribution({ unit, region, external = false }: Where) {
  const workload =
    unit === undefined
      ? undefined
      : {
          ...{ name: unit, cgroup: `/${unit}`, containerId: undefined, container: undefined },
          ...{ pod: undefined, namespace: undefined, unit },
        };
  return { workload, remotePlace: { region, role: undefined, external } };
}

/** What the kernel summed up: latencies in ms with how many there were of each. */
export function sum(
  where: Where,
  latencies: readonly (readonly [ms: number, count: number])[],
  failures: Partial<Record<Outcome, number>> = {},
  lostSyn = 0,
): HandshakeSum {
  const ok = latencies.reduce((total, [, count]) => total + count, 0);
  const outcomes: Partial<Record<Outcome, number>> = { ...failures, ok };
  return {
    ...FLOW,
    ...attribution(where),
    ...{ type: 'sum', outcome: 'ok', isOther: false },
    counts: {
      outcomes: OUTCOMES.map((outcome) => outcomes[outcome] ?? 0),
      lostSyn,
      latencies: latencies.map(([ms, count]) => {
        const ns = ms * 1e6;
        return { bucket: bucketIndex(ns), count, minNs: ns, maxNs: ns };
      }),
    },
  };
}

export const segments = (where: Where, difference: Partial<SocketGrowth>): SocketGrowth => ({
  ...growth(difference),
  ...attribution(where),
});

export const resent = (where: Where, difference: Partial<Retransmit>): Retransmit & Where => ({
  ...retransmit(difference),
  ...attribution(where),
});

export const overflows = (unit: string, count: number): AcceptOverflows => ({
  ...FLOW,
  ...attribution({ unit }),
  type: 'accept-overflows',
  count,
});

const key = (name: string, of: GroupKey<NetworkItem>['of']): GroupKey<NetworkItem> => ({
  ...{ name, header: name.toUpperCase(), description: '' },
  of,
});

export interface Setting {
  windowNs?: number;
  thresholds?: Thresholds;
  hasRegions?: boolean;
  groupLimit?: number;
}

/** By unit, and by region. */
export function newHealth({
  windowNs = 60e9,
  thresholds,
  hasRegions = true,
  groupLimit,
}: Setting = {}): Health {
  return new Health({
    windowNs,
    by: key('unit', (item) => (item as { workload?: { unit?: string } }).workload?.unit ?? '-'),
    byRegion: hasRegions
      ? key('region', (item) => (item as { remotePlace?: { region?: string } }).remotePlace?.region ?? 'none')
      : undefined,
    thresholds: thresholds ?? DEFAULT_THRESHOLDS,
    ...(groupLimit === undefined ? {} : { groupLimit }),
  });
}
