import assert from 'node:assert/strict';
import { parseCpuShare, parseKind, parseState } from '#tcpscope/cli/values.js';
import { congestionStateName, SENDING_STATES, stateName, stateNumber } from '#tcpscope/model/tcp-state.js';

/** The message of a RangeError, which is one line. */
function refused(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    assert.ok(error instanceof RangeError);
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  return assert.fail('it was accepted');
}

describe('--state', () => {
  it('takes the names of the kernel and of ss, in any case', () => {
    const forms: [number, string[]][] = [
      [1, ['ESTABLISHED', 'established', 'ESTAB', 'estab']],
      [2, ['SYN_SENT', 'syn-sent', 'SYN-SENT']],
      [3, ['SYN_RECV', 'syn-recv']],
      [4, ['FIN_WAIT1', 'FIN_WAIT_1', 'fin-wait-1', 'FIN-WAIT-1', 'fin_wait1']],
      [8, ['CLOSE_WAIT', 'close-wait']],
      [9, ['LAST_ACK', 'last-ack']],
      [11, ['CLOSING', 'closing']],
    ];
    for (const [number, names] of forms)
      for (const name of names) assert.equal(parseState(name), number, name);
  });

  it('names the nearest of the states that send, and all of them', () => {
    const valid = 'ESTABLISHED, SYN_SENT, SYN_RECV, FIN_WAIT1, CLOSE_WAIT, LAST_ACK, CLOSING';
    const nearest: [string, string][] = [
      ['ESTABLISHD', 'ESTABLISHED'],
      ['SYN_SEND', 'SYN_SENT'],
      ['FIN', 'FIN_WAIT1'],
      ['CLOSE', 'CLOSE_WAIT'],
      ['LAST', 'LAST_ACK'],
      // Nothing is sent again in this one.
      ['FIN_WAIT2', 'FIN_WAIT1'],
    ];
    for (const [text, near] of nearest) {
      const message = `--state ${text}: unknown; nearest: ${near}; valid: ${valid}`;
      assert.equal(
        refused(() => parseState(text)),
        message,
      );
    }
    for (const text of ['', '1', 'LISTEN', 'TIME_WAIT', 'ESTABLISHED ', 'constructor'])
      assert.match(
        refused(() => parseState(text)),
        /^--state .*: unknown/,
      );
  });
});

describe('--kind', () => {
  it('takes every kind, in any case', () => {
    for (const kind of ['syn', 'synack', 'fast', 'rto', 'loss', 'tlp']) {
      assert.equal(parseKind(kind), kind);
      assert.equal(parseKind(kind.toUpperCase()), kind);
    }
  });

  it('names the nearest kind, and all of them', () => {
    const valid = 'valid: syn, synack, fast, rto, loss, tlp';
    assert.equal(
      refused(() => parseKind('rtt')),
      `--kind rtt: unknown; nearest: rto; ${valid}`,
    );
    assert.equal(
      refused(() => parseKind('SYNAK')),
      `--kind synak: unknown; nearest: synack; ${valid}`,
    );
    assert.equal(
      refused(() => parseKind('f')),
      `--kind f: unknown; nearest: fast; ${valid}`,
    );
    assert.match(
      refused(() => parseKind('')),
      /^--kind : unknown/,
    );
  });
});

describe('names of TCP states', () => {
  /** include/net/tcp_states.h. */
  const NAMES = [
    ...['ESTABLISHED', 'SYN_SENT', 'SYN_RECV', 'FIN_WAIT1', 'FIN_WAIT2', 'TIME_WAIT', 'CLOSE'],
    ...['CLOSE_WAIT', 'LAST_ACK', 'LISTEN', 'CLOSING'],
  ];

  it('are those of the kernel, from 1 on', () => {
    for (const [at, name] of NAMES.entries()) {
      assert.equal(stateName(at + 1), name);
      assert.equal(stateNumber(name), at + 1);
    }
    assert.equal(stateName(12), 'SYN_RECV');
    assert.deepEqual([stateName(0), stateName(13)], ['state 0', 'state 13']);
    for (const name of ['established', '', 'NEW_SYN_RECV', 'toString'])
      assert.equal(stateNumber(name), undefined);
  });

  it('of sending states are states', () => {
    for (const name of SENDING_STATES) assert.ok(NAMES.includes(name), name);
  });

  it('of congestion are those of tcp.h', () => {
    assert.deepEqual([0, 1, 2, 3, 4, 5].map(congestionStateName), [
      'open',
      'disorder',
      'cwr',
      'recovery',
      'loss',
      'state 5',
    ]);
  });
});

describe('--max-cpu', () => {
  it('takes a share of one core', () => {
    assert.equal(parseCpuShare('5%'), 0.05);
    assert.equal(parseCpuShare('0.5%'), 0.005);
    assert.equal(parseCpuShare('100%'), 1);
  });

  it('says what was probably meant', () => {
    for (const [text, nearest] of [
      ['5', '5%'],
      ['0.05', '5%'],
      ['1', '1%'],
      ['0%', '0.1%'],
      ['400%', '100%'],
    ] as const)
      assert.equal(
        refused(() => parseCpuShare(text)),
        `--max-cpu ${text}: must be from 0.1% to 100% of one core; nearest: ${nearest}`,
      );
    assert.equal(
      refused(() => parseCpuShare('half')),
      '--max-cpu half: must be from 0.1% to 100% of one core, as in 5%',
    );
  });
});
