/** What each thing that may be missing means, and how it is to be mended. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { summaryOf, verdictOf, type Check, type Status } from '#tcpscope/model/diagnosis/check.js';
import { diagnose } from '#tcpscope/model/diagnosis/diagnose.js';
import { HOST_CASES } from './diagnosis-host-cases.js';
import { KERNEL_CASES } from './diagnosis-kernel-cases.js';
import { ALL_CAPABILITIES, hostWith, KERNEL, PROCESS, REFUSED, type Changes } from './healthy-host.js';

const COMMANDS = ['connlat', 'retrans'];

const exitCodeOf = (changes: Changes): number =>
  verdictOf(diagnose(hostWith(changes), COMMANDS), COMMANDS).exitCode;

function find(checks: readonly Check[], name: string): Check {
  const found = checks.filter(({ check }) => check === name);
  assert.equal(found.length, 1, `one check ${name} in ${checks.map(({ check }) => check).join(' ')}`);
  return found[0]!;
}

describe('diagnosis', () => {
  it('finds nothing on a healthy host', () => {
    const checks = diagnose(hostWith({}), COMMANDS);
    assert.deepEqual(
      checks.filter(({ status }) => status !== 'ok'),
      [],
    );
    assert.ok(checks.length > 25);
    assert.deepEqual(new Set(checks.map(({ check }) => check)).size, checks.length, 'each once');
    assert.equal(exitCodeOf({}), 0);
  });

  for (const [name, { changes, check, status, says, exitCode, commands }] of Object.entries({
    ...KERNEL_CASES,
    ...HOST_CASES,
  })) {
    it(name, () => {
      const found = find(diagnose(hostWith(changes), COMMANDS), check);
      assert.equal(found.status, status);
      assert.match([found.found, found.means, found.mend].join(' ').trim(), says);
      if (commands) assert.deepEqual(found.commands, commands);
      if (status === 'failed' || status === 'warning') assert.ok(found.means !== '' && found.mend !== '');
      assert.equal(exitCodeOf(changes), exitCode);
    });
  }

  it('asks another system than Linux nothing that only Linux has', () => {
    const { process } = hostWith({ process: { platform: 'darwin' } });
    const checks = diagnose({ process, host: undefined, kernel: { failure: 'not Linux' } }, COMMANDS);
    assert.deepEqual(
      checks.map(({ check }) => check),
      ['kernel', 'architecture', 'node'],
    );
  });

  it('says of what was not tried that it is not known, and why once', () => {
    const checks = diagnose(
      hostWith({ process: { uid: 1000, capabilities: 0n }, kernel: REFUSED }),
      COMMANDS,
    );
    for (const check of ['ring_buffer', 'perf_buffer', 'iterator', 'event', 'sync_errors', 'clock'])
      assert.equal(find(checks, check).status, 'unknown', check);
  });

  it('refers from what is refused to the reason', () => {
    const mends = (changes: Changes): string =>
      find(diagnose(hostWith({ kernel: REFUSED, ...changes }), COMMANDS), 'connlat_programs').mend;
    assert.match(mends({ process: { uid: 1000, capabilities: 0n } }), /^sudo /);
    assert.match(mends({ process: { capabilities: 0n } }), /capabilities above/);
    assert.match(mends({ process: { inUserNamespace: true } }), /user_namespace above/);
    assert.match(mends({ process: { seccomp: 2 } }), /seccomp above/);
    assert.match(mends({ process: { capabilities: ALL_CAPABILITIES } }), /memlock above/);
  });
});

describe('man/doctor.md', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../../man/doctor.md'), 'utf8');
  const entries = new Set([...page.matchAll(/^- \*\*(\w+)\*\*/gm)].map(([, name]) => name));

  it('has every check but the tracepoints, of which it has one', () => {
    const tracepoints = [...KERNEL.tracepoints!.keys()];
    const names = diagnose(hostWith({}), COMMANDS).map(({ check }) => check);
    for (const name of names.filter((each) => !tracepoints.includes(each)))
      assert.ok(entries.has(name), name);
    assert.ok(entries.has('inet_sock_set_state'));
  });
});

describe('the verdict', () => {
  const check = (status: Status, commands: string[], exitCode?: 69 | 77): Check => ({
    ...{ check: 'x', status, found: '', means: '', mend: '', commands },
    ...(exitCode === undefined ? {} : { exitCode }),
  });

  it('a command fails with any check that failed for it', () => {
    const verdict = verdictOf([check('ok', COMMANDS), check('failed', ['retrans'], 69)], COMMANDS);
    assert.deepEqual([verdict.working, verdict.failing, verdict.exitCode], [['connlat'], ['retrans'], 69]);
    const { means, mend } = summaryOf(verdict, PROCESS.sudo);
    assert.match(means, /^retrans does not work here: .* connlat works\. replay, diff and config check/);
    assert.equal(mend, '');
  });

  it('what the kernel lacks counts more than the privilege', () => {
    const checks = [check('failed', COMMANDS, 77), check('failed', COMMANDS, 69)];
    assert.equal(verdictOf(checks, COMMANDS).exitCode, 69);
  });

  it('names the sudo command where that helps', () => {
    const verdict = verdictOf([check('failed', COMMANDS, 77)], COMMANDS);
    assert.equal(summaryOf(verdict, PROCESS.sudo).mend, `Run: ${PROCESS.sudo}`);
    assert.equal(summaryOf(verdict, undefined).mend, '');
    assert.match(summaryOf(verdict, undefined).means, /^connlat and retrans do not work here: the privilege/);
  });

  it('counts, and warns without failing', () => {
    const checks = [check('ok', COMMANDS), check('warning', COMMANDS), check('unknown', COMMANDS)];
    const verdict = verdictOf(checks, COMMANDS);
    assert.deepEqual(verdict.counts, { ok: 1, warning: 1, failed: 0, unknown: 1 });
    assert.equal(verdict.exitCode, 0);
    const { status, found, means } = summaryOf(verdict, undefined);
    assert.deepEqual(
      [status, found, means],
      [...['warning', '1 ok, 1 warning, 0 failed, 1 not known', 'connlat and retrans work here.']],
    );
  });
});
