/**
 * What not every kernel has. A test that needs it is skipped where it is not, but fails where TCPSCOPE_EXPECT
 * (`netem,fentry`) says that it is: a skip must not hide that something has stopped working.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { machine } from 'node:os';
import path from 'node:path';
import { BpfObject, kernelBtf } from '#bpf-native-bindings';
import { skipReasons } from './vm/result.js';

export const ROOT = path.resolve(import.meta.dirname, '../..');

/** Each is tried, or asked of the kernel's own types: versions say little of kernels that vendors build. */
const FEATURES = {
  /** sch_netem, which delays and loses packets. */
  netem: () => {
    spawnSync('modprobe', ['sch_netem'], { stdio: 'ignore' });
    const words = ['--net', 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '1ms'];
    return spawnSync('unshare', words, { stdio: 'ignore' }).status === 0;
  },
  fentry: () => canAttach('called_connect'),
  kprobes: () => canAttach('probed_connect'),
  /** tcp_retransmit_skb also tells of what could not be sent (6.17, ad892e912b84). */
  'retransmit-errors': () => (kernelBtf.parameterCount('btf_trace_tcp_retransmit_skb') ?? 0) > 3,
} as const satisfies Record<string, () => boolean>;

export type Feature = keyof typeof FEATURES;

const found = new Map<Feature, boolean>();

function has(feature: Feature): boolean {
  const known = found.get(feature) ?? FEATURES[feature]();
  found.set(feature, known);
  return known;
}

/** A compiled program of test/vm. */
export function vmProgram(name: 'kinds' | 'truth'): BpfObject {
  execFileSync('make', ['--no-print-directory', '-s', '-C', path.join(ROOT, 'test/vm')]);
  return BpfObject.open(readFileSync(path.join(ROOT, `build/test-vm/${machine()}/${name}.bpf.o`)), { name });
}

function canAttach(program: string): boolean {
  const object = vmProgram('truth');
  try {
    for (const each of object.programNames) object.setAutoload(each, each === program);
    object.load();
    object.attach(program);
    return true;
  } catch {
    return false;
  } finally {
    object.close();
  }
}

/** Whether whoever runs the tests knows that this kernel has it. */
export function isExpected(feature: Feature): boolean {
  return (process.env['TCPSCOPE_EXPECT'] ?? '').split(',').includes(feature);
}

/** Skips the running test, or those of a suite from its `before`, where this kernel lacks one of them. */
export function need(context: Mocha.Context, ...features: Feature[]): void {
  const missing = features.filter((feature) => !has(feature));
  if (missing.length === 0) return;
  assert.deepEqual(missing.filter(isExpected), [], 'this kernel should have these');
  skip(context, `this kernel has no ${missing.join(', no ')}`);
}

const isGuest = process.env['TCPSCOPE_GUEST'] !== undefined;

/**
 * Suites and tests that guests leave out, which are emulated and slow: of what another kernel cannot change. A comment
 * says why.
 */
export const onHost = { describe: isGuest ? describe.skip : describe, it: isGuest ? it.skip : it };

function skip(context: Mocha.Context, reason: string): void {
  skipReasons.set(context.test!.parent!.fullTitle(), reason);
  context.skip();
}
