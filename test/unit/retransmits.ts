import type { SocketCounts } from '#tcpscope/events/retrans.js';
import type { Retransmit, SocketGrowth } from '#tcpscope/model/retransmit.js';

const FLOW = {
  localAddress: '10.1.4.7',
  localPort: 51_822,
  remoteAddress: '10.3.0.12',
  remotePort: 6379,
  cgroupId: 1,
  netns: 4_026_531_840,
  uid: 1000,
  pid: 2817,
  comm: 'puma',
};

/** A segment that the timer sent again half a second after the last progress, or one that differs as told. */
export function retransmit(difference: Partial<Retransmit> = {}): Retransmit {
  return {
    ...FLOW,
    type: 'retransmit',
    kind: 'rto',
    timeNs: 10_500_000_000,
    socket: 8,
    progressNs: 10_000_000_000,
    bytesRetrans: 1448,
    error: 0,
    sequence: 1001,
    initialSequence: 1000,
    length: 1448,
    segments: 1,
    tries: 1,
    rtoUs: 204_000,
    srttUs: 400,
    minRttUs: 380,
    cwnd: 1,
    ssthresh: 7,
    lostOut: 1,
    sackedOut: 0,
    retransOut: 0,
    segsOut: 12,
    mss: 1448,
    state: 1,
    caState: 4,
    startKnown: true,
    ...difference,
  };
}

/** A socket that sent a hundred segments since the last look. */
export function growth(difference: Partial<SocketGrowth> = {}): SocketGrowth {
  return { ...FLOW, type: 'socket', timeNs: 11e9, segsOut: 100, spurious: 0, undone: 0, ...difference };
}

/** The counters of an open socket. */
export function counts(difference: Partial<SocketCounts> = {}): SocketCounts {
  return {
    ...FLOW,
    type: 'socket',
    closed: false,
    undone: false,
    timeNs: 1000,
    socket: 8,
    segsOut: 100,
    dsackDups: 0,
    totalRetrans: 0,
    ...difference,
  };
}
