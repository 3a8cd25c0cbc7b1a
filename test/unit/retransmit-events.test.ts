/** The bytes that bpf/retrans.bpf.c writes, laid out here by the rules of C and not by the generated offsets. */
import assert from 'node:assert/strict';
import { readSocket, writeSocket } from '#tcpscope/events/primitives.js';
import {
  decodeRetransmit,
  decodeSocketCounts,
  RETRANSMIT_SIZE,
  SOCKET_COUNTS_SIZE,
} from '#tcpscope/events/retrans.js';

type Field = readonly [size: 1 | 2 | 4 | 8, value: number | bigint] | readonly [bytes: 'bytes', Uint8Array];

/** A struct whose members are aligned to their size; one of bytes to 4, as ip_t is, and names stand where that is so. */
function struct(fields: readonly Field[]): DataView {
  const view = new DataView(new ArrayBuffer(256));
  let offset = 0;
  for (const [size, value] of fields) {
    if (size === 'bytes') {
      new Uint8Array(view.buffer).set(value, offset);
      offset += value.length;
      continue;
    }
    offset = Math.ceil(offset / size) * size;
    const bits = BigInt.asUintN(64, BigInt(value));
    for (let at = 0; at < size; at++) view.setUint8(offset + at, Number((bits >> BigInt(8 * at)) & 0xffn));
    offset += size;
  }
  return new DataView(view.buffer, 0, Math.ceil(offset / 8) * 8);
}

function name(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(new TextEncoder().encode(text));
  return bytes;
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const LONG = [0x20, 1, 0xd, 0xb8, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10, 0xfe, 0xdc, 0xba, 0x98];

/** Addresses, ports 443 and 65535, and an owner whose name would drive the terminal. */
function flow(socket: bigint): Field[] {
  return [
    [8, socket],
    ['bytes', Uint8Array.from([...MAPPED, 10, 1, 4, 8])],
    ['bytes', Uint8Array.from(LONG)],
    [2, 443],
    [2, 65_535],
    [4, 4_294_967_295],
    [8, 7421],
    [4, 4_294_967_294],
    [4, 4_194_304],
    ['bytes', name('\u001b[31mevil\u0007')],
  ];
}

const DECODED_FLOW = {
  localAddress: '10.1.4.8',
  remoteAddress: '2001:db8:fedc:ba98:7654:3210:fedc:ba98',
  localPort: 443,
  remotePort: 65_535,
  netns: 4_294_967_295,
  cgroupId: 7421,
  uid: 4_294_967_294,
  pid: 4_194_304,
  comm: '[31mevil',
};

describe('events of retrans', () => {
  it('are read as the kernel wrote them', () => {
    const numbers = [100, 4_294_967_000, 65_160, 45, 15, 120_000_000, 1_204_000, 0xffffffff, 12_345];
    const more = [0x7fffffff, 999, 1000, 998, 99_999_999, 1448];
    const view = struct([
      [4, 1],
      [4, 3],
      [8, 1_000_000_000_123n],
      ...flow(0xffff_8881_0000_0a40n),
      [8, 999_999_999_999n],
      [8, 123_456_789n],
      [4, -105],
      ...[...numbers, ...more].map((value): Field => [4, value]),
      [1, 12],
      [1, 4],
      [1, 1],
    ]);
    assert.equal(view.byteLength, RETRANSMIT_SIZE);
    assert.deepEqual(decodeRetransmit(view, 0), {
      type: 'retransmit',
      kind: 'rto',
      timeNs: 1_000_000_000_123,
      socket: Number(0xff_8881_0000_0a40n),
      ...DECODED_FLOW,
      progressNs: 999_999_999_999,
      bytesRetrans: 123_456_789,
      error: -105,
      sequence: 100,
      initialSequence: 4_294_967_000,
      length: 65_160,
      segments: 45,
      tries: 15,
      rtoUs: 120_000_000,
      srttUs: 1_204_000,
      minRttUs: 0xffffffff,
      cwnd: 12_345,
      ssthresh: 0x7fffffff,
      lostOut: 999,
      sackedOut: 1000,
      retransOut: 998,
      segsOut: 99_999_999,
      mss: 1448,
      state: 12,
      caState: 4,
      startKnown: true,
    });
  });

  it('name the kinds in the order of enum kind', () => {
    const kinds = [0, 1, 2, 3, 4, 5].map((kind) => {
      const view = struct([
        [4, 1],
        [4, kind],
        ['bytes', new Uint8Array(RETRANSMIT_SIZE - 8)],
      ]);
      return decodeRetransmit(view, 0).kind;
    });
    assert.deepEqual(kinds, ['syn', 'synack', 'fast', 'rto', 'loss', 'tlp']);
  });

  it('hold the counters of sockets', () => {
    const view = struct([
      [4, 2],
      [1, 1],
      [1, 0],
      [8, 77n],
      ...flow(0xffff_ffff_ffff_fff8n),
      [4, 4_294_967_295],
      [4, 3],
      [4, 9],
    ]);
    assert.equal(view.byteLength, SOCKET_COUNTS_SIZE);
    assert.deepEqual(decodeSocketCounts(view, 0), {
      type: 'socket',
      closed: true,
      undone: false,
      timeNs: 77,
      socket: 2 ** 56 - 8,
      ...DECODED_FLOW,
      segsOut: 4_294_967_295,
      dsackDups: 3,
      totalRetrans: 9,
    });
  });
});

describe('addresses of sockets', () => {
  const view = new DataView(new ArrayBuffer(24));
  /** With four and five levels of page tables, arm64 with 39 to 52 bits, and the ends. */
  const addresses = [
    0xff00_0000_0000_0000n,
    0xff00_0000_0000_0008n,
    0xff11_0001_2345_6780n,
    0xfff0_0000_ffff_fff8n,
    0xffff_0000_0000_0008n,
    0xffff_8880_1234_5678n,
    0xffff_ffc0_0000_0000n,
    0xffff_ffff_0000_0000n,
    0xffff_ffff_ffff_fff8n,
  ];

  it('are numbers that keep every bit, and become the same address again', () => {
    for (const address of addresses) {
      view.setBigUint64(8, address, true);
      const socket = readSocket(view, 8);
      assert.equal(BigInt(socket), address & 0x00ff_ffff_ffff_ffffn, address.toString(16));
      view.setBigUint64(8, 0n, true);
      writeSocket(view, 8, socket);
      assert.equal(view.getBigUint64(8, true), address, address.toString(16));
    }
    assert.deepEqual([view.getBigUint64(0), view.getBigUint64(16)], [0n, 0n]);
  });

  it('of neighbours differ', () => {
    const neighbours = [0xffff_ffff_ffff_fff0n, 0xffff_ffff_ffff_fff8n].map((address) => {
      view.setBigUint64(8, address, true);
      return readSocket(view, 8);
    });
    assert.deepEqual(neighbours, [2 ** 56 - 16, 2 ** 56 - 8]);
  });
});
