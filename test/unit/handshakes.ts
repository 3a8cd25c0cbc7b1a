import type { Handshake } from '#tcpscope/model/handshake.js';

/** A good handshake, or one that differs as told. */
export function handshake(difference: Partial<Handshake> = {}): Handshake {
  return {
    type: 'handshake',
    startNs: 1_000_000_000,
    endNs: 1_000_400_000,
    outcome: 'ok',
    errno: 0,
    wireUs: 380,
    syns: 1,
    pid: 2817,
    comm: 'puma',
    uid: 1000,
    socket: 0,
    cgroupId: 0,
    netns: 4_026_531_840,
    localAddress: '10.1.4.7',
    localPort: 51_822,
    remoteAddress: '10.3.0.12',
    remotePort: 6379,
    ...difference,
  };
}
