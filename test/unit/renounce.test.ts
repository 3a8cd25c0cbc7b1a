/** Which privileges outlast the start, by what was held and what is still to do. */
import assert from 'node:assert/strict';
import { CAPABILITY, type Capability } from '#tcpscope/model/capability.js';
import { remainderOf } from '#tcpscope/kernel/renounce.js';

const ALL = (1n << 41n) - 1n;
const bits = (...names: Capability[]): bigint =>
  names.reduce((set, name) => set | (1n << BigInt(CAPABILITY[name])), 0n);
const NOTHING_MORE = { entersNamespaces: false, needsDockerSocket: false };
const USUAL = ['CAP_BPF', 'CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH'];

describe('what is kept once it traces', () => {
  const cases: [string, bigint, boolean, typeof NOTHING_MORE, string[], boolean][] = [
    ['root', ALL, true, NOTHING_MORE, USUAL, true],
    [
      'root that has to enter namespaces',
      ALL,
      true,
      { ...NOTHING_MORE, entersNamespaces: true },
      [...USUAL, 'CAP_SYS_ADMIN'],
      true,
    ],
    ['root that has to ask docker', ALL, true, { ...NOTHING_MORE, needsDockerSocket: true }, USUAL, false],
    ['root that may not become another', ALL & ~bits('CAP_SETUID'), true, NOTHING_MORE, USUAL, false],
    [
      'root that could not read the files of root as another',
      ALL & ~bits('CAP_DAC_READ_SEARCH'),
      true,
      NOTHING_MORE,
      ['CAP_BPF', 'CAP_SYS_PTRACE'],
      false,
    ],
    [
      'a user with what loading needs',
      bits('CAP_BPF', 'CAP_PERFMON'),
      false,
      NOTHING_MORE,
      ['CAP_BPF'],
      false,
    ],
    [
      'root of an engine older than CAP_BPF',
      bits('CAP_SYS_ADMIN'),
      true,
      NOTHING_MORE,
      ['CAP_SYS_ADMIN'],
      false,
    ],
    [
      'a user that would have to enter namespaces, and may not',
      bits('CAP_BPF', 'CAP_PERFMON'),
      false,
      { ...NOTHING_MORE, entersNamespaces: true },
      ['CAP_BPF'],
      false,
    ],
  ];
  for (const [who, held, isRoot, needs, capabilities, leavesRoot] of cases)
    it(who, () => {
      assert.deepEqual(remainderOf(held, isRoot, needs), { capabilities, leavesRoot });
    });
});
