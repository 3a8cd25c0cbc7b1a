import assert from 'node:assert/strict';
import type { SocketCounts } from '#tcpscope/events/retrans.js';
import { SocketLedger } from '#tcpscope/kernel/socket-ledger.js';
import { counts } from './retransmits.js';

/** A ledger that knows these, and what it says to further looks: segments, spurious ones, recoveries taken back. */
function ledger(known: readonly SocketCounts[] = [], limit?: number) {
  const made = new SocketLedger(limit);
  made.begin(known);
  const grown = (difference: Partial<SocketCounts>): string => {
    const found = made.growth(counts(difference));
    return found ? `${found.segsOut} ${found.spurious} ${found.undone}` : 'nothing';
  };
  return { made, grown };
}

describe('SocketLedger', () => {
  it('tells what was sent since the last look, and nothing of before the start', () => {
    const { grown } = ledger([counts({ segsOut: 1000 })]);
    assert.equal(grown({ segsOut: 1000, timeNs: 2000 }), 'nothing');
    assert.equal(grown({ segsOut: 1017, timeNs: 3000 }), '17 0 0');
    assert.equal(grown({ segsOut: 1017, timeNs: 4000 }), 'nothing');
    assert.equal(grown({ segsOut: 1040, timeNs: 5000 }), '23 0 0');
  });

  it('counts all of a socket that was opened after the start', () => {
    const { grown } = ledger([counts({ socket: 16 })]);
    assert.equal(grown({ segsOut: 5 }), '5 0 0');
    assert.equal(grown({ segsOut: 7, timeNs: 2000 }), '2 0 0');
  });

  it('tells the rest when a socket ends, and then forgets it', () => {
    const { grown } = ledger([counts({ segsOut: 100 })]);
    assert.equal(grown({ segsOut: 103, timeNs: 2000, closed: true }), '3 0 0');
    assert.equal(grown({ segsOut: 150, timeNs: 3000 }), '150 0 0');
  });

  it('notices an address that is another socket’s by now: other port, or counters that fell', () => {
    const { grown } = ledger([counts({ segsOut: 100, dsackDups: 4, totalRetrans: 9 })]);
    assert.equal(grown({ segsOut: 300, remotePort: 443, timeNs: 2000 }), '300 0 0');
    assert.equal(
      grown({ segsOut: 7, remotePort: 443, timeNs: 3000, dsackDups: 2, totalRetrans: 2 }),
      '7 2 0',
    );
  });

  it('believes reports of duplicates as long as there are no more of them than retransmissions', () => {
    const { grown } = ledger([counts({ dsackDups: 1, totalRetrans: 1 })]);
    assert.equal(grown({ segsOut: 105, dsackDups: 3, totalRetrans: 5, timeNs: 2000 }), '5 2 0');
    // More than was sent again: the network duplicates, which is nobody's retransmission.
    assert.equal(grown({ segsOut: 106, dsackDups: 9, totalRetrans: 5, timeNs: 3000 }), '1 0 0');
    assert.equal(grown({ segsOut: 111, dsackDups: 9, totalRetrans: 10, timeNs: 4000 }), '5 6 0');
    assert.equal(ledger().grown({ segsOut: 4, dsackDups: 3, totalRetrans: 0 }), '4 0 0');
    assert.equal(ledger().grown({ segsOut: 4, dsackDups: 3, totalRetrans: 3 }), '4 3 0');
  });

  it('tells of a recovery that was taken back, once', () => {
    const { grown } = ledger([counts()]);
    assert.equal(grown({ undone: true, timeNs: 2000 }), '0 0 1');
    assert.equal(grown({ timeNs: 3000 }), 'nothing');
  });

  it('keeps to the later of two looks when an event is read after it', () => {
    const { grown } = ledger([counts({ segsOut: 100 })]);
    assert.equal(grown({ segsOut: 110, timeNs: 5000 }), '10 0 0');
    assert.equal(grown({ segsOut: 104, timeNs: 4000, undone: true }), '0 0 1');
    assert.equal(grown({ segsOut: 113, timeNs: 6000 }), '3 0 0');
    // A socket that ended before another one got its address.
    assert.equal(grown({ segsOut: 109, timeNs: 4500, remotePort: 443, closed: true }), 'nothing');
    assert.equal(grown({ segsOut: 114, timeNs: 7000 }), '1 0 0');
  });

  it('remembers the owner that a closed socket has lost', () => {
    const { made } = ledger([counts({ pid: 4711, comm: 'rsync' })]);
    const last = made.growth(counts({ pid: 0, comm: '', segsOut: 101, closed: true, timeNs: 2000 }));
    assert.deepEqual([last?.pid, last?.comm, last?.type], [4711, 'rsync', 'socket']);
  });

  it('does not count sockets that it has no room for, rather than all of their life again and again', () => {
    const { made, grown } = ledger(
      [counts({ socket: 8 }), counts({ socket: 16 }), counts({ socket: 24 })],
      2,
    );
    assert.equal(made.overflow, 1);
    assert.equal(grown({ socket: 24, segsOut: 101, timeNs: 2000 }), 'nothing');
    assert.equal(grown({ socket: 24, segsOut: 102, timeNs: 3000 }), 'nothing');
    assert.equal(made.overflow, 3);
    assert.equal(grown({ socket: 16, segsOut: 102, timeNs: 2000 }), '2 0 0');
    // One leaves, and there is room again.
    assert.equal(grown({ socket: 8, segsOut: 101, timeNs: 2000, closed: true }), '1 0 0');
    assert.equal(grown({ socket: 32, segsOut: 5, timeNs: 2000 }), '5 0 0');
  });
});
