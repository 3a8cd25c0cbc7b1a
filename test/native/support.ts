import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { BpfError, BpfObject } from '#bpf-native-bindings';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The number of getegid, a system call that Node makes only when it is told to. */
const GETEGID = process.arch === 'arm64' ? 177n : 108n;

let compiled = false;

type Fixture = 'events' | 'failing' | 'maps' | 'runs';

/** A compiled BPF object of test/native/fixtures. */
export function fixture(name: Fixture): Uint8Array {
  if (!compiled) execFileSync('make', ['--no-print-directory', '-s', '-C', `${ROOT}test/native/fixtures`]);
  compiled = true;
  return readFileSync(`${ROOT}build/test-fixtures/${name}.bpf.o`);
}

/** Opens a fixture of which only these programs are to be loaded. */
export function openWith(name: Fixture, ...programs: string[]): BpfObject {
  const object = BpfObject.open(fixture(name));
  for (const program of object.programNames) object.setAutoload(program, programs.includes(program));
  return object;
}

/** Opens programs of the events fixture, made to watch this process. */
export function openEvents(programs: string[]): BpfObject {
  const object = openWith('events', ...programs);
  object.setGlobal('target_tgid', u32(process.pid));
  object.setGlobal('target_syscall', u64(GETEGID));
  return object;
}

/** Loads programs of the events fixture, made to watch this process, with events of `size` bytes. */
export function loadEvents(programs: string[], size = 16, vary = 1): BpfObject {
  const object = openEvents(programs);
  object.setGlobal('event_size', u32(size));
  object.setGlobal('vary', u32(vary));
  object.load();
  return object;
}

/** Makes exactly this many system calls of the kind that the events fixture watches. */
export function makeEvents(count: number): void {
  for (let i = 0; i < count; i++) process.getegid?.();
}

export function u32(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

export function u64(...values: bigint[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(values).buffer);
}

export function readU64(bytes: Uint8Array, offset = 0): number {
  return Number(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readBigUInt64LE(offset));
}

/** Asserts that the call throws a BpfError with these fields, and returns it. */
export function failsWith(
  expected: { operation?: string; code: string | string[]; message?: RegExp },
  call: () => unknown,
): BpfError {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof BpfError, `not a BpfError: ${String(error)}`);
    const codes = [expected.code].flat();
    assert.ok(
      codes.includes(error.code),
      `code ${error.code} of "${error.message}" is not ${codes.join(' or ')}`,
    );
    if (expected.operation !== undefined) assert.equal(error.operation, expected.operation);
    if (expected.message) assert.match(error.message, expected.message);
    assert.doesNotMatch(error.message, /\n/);
    return error;
  }
  assert.fail(`nothing was thrown; expected ${String(expected.code)}`);
}

export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Ids of the fixtures' programs that the kernel has loaded, by whomever. */
export function loadedPrograms(): number[] {
  const programs = JSON.parse(execFileSync('bpftool', ['-j', 'prog', 'show'], { encoding: 'utf8' })) as {
    id: number;
    name?: string;
  }[];
  return programs.filter(({ name }) => name?.startsWith('bnb_')).map(({ id }) => id);
}

/** Waits until none of the fixtures' programs is loaded: the kernel frees them a moment after the last close. */
export async function programsGone(): Promise<void> {
  const deadline = Date.now() + 5000;
  while (loadedPrograms().length > 0) {
    assert.ok(Date.now() < deadline, `programs ${loadedPrograms().join(', ')} are still loaded`);
    await sleep(20);
  }
}

/** Collects garbage, and gives finalizers their turn. */
export async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) {
    gc();
    await sleep(5);
  }
}
