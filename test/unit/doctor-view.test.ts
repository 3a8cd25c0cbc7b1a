/** How a diagnosis is shown. */
import assert from 'node:assert/strict';
import { summaryOf, verdictOf, type Check } from '#tcpscope/model/diagnosis/check.js';
import { doctorJson, doctorText, type DoctorDisplay } from '#tcpscope/view/doctor.js';

const COMMANDS = ['connlat', 'retrans'];
const CHECKS: Check[] = [
  { check: 'kernel', status: 'ok', found: 'Linux 6.12', means: '', mend: '', commands: COMMANDS },
  {
    ...{ check: 'cap_sys_ptrace', status: 'warning', found: 'missing', commands: COMMANDS },
    means: 'Network namespaces of other processes may not be read, and so they have no name here.',
    mend: 'docker run --cap-add SYS_PTRACE; in Kubernetes securityContext.capabilities.add: [SYS_PTRACE].',
  },
  {
    ...{ check: 'retrans_programs', status: 'failed', commands: ['retrans'], exitCode: 69 },
    found: "cannot load program 'set_state': Operation not supported by this very old kernel of yours",
    means: 'It cannot trace here.',
    mend: 'Please report it.',
  },
  { check: 'event', status: 'unknown', found: 'not tried', means: '', mend: '', commands: COMMANDS },
];
const VERDICT = verdictOf(CHECKS, COMMANDS);
const SUMMARY = summaryOf(VERDICT, undefined);

const show = (display: Partial<DoctorDisplay>): string =>
  doctorText(CHECKS, SUMMARY, { width: undefined, colorLevel: 0, plain: false, unicode: true, ...display });

describe('the text of doctor', () => {
  it('at 80 columns: what is too long goes on below itself', () => {
    assert.equal(
      show({ width: 80 }),
      `✓ kernel            Linux 6.12
! cap_sys_ptrace    missing
    connlat, retrans: Network namespaces of other processes may not be read, and
    so they have no name here.
    Mend: docker run --cap-add SYS_PTRACE; in Kubernetes
    securityContext.capabilities.add: [SYS_PTRACE].
✗ retrans_programs  cannot load program 'set_state': Operation not supported by
                    this very old kernel of yours (retrans)
    retrans: It cannot trace here.
    Mend: Please report it.
- event             not tried

1 ok, 1 warning, 1 failed, 1 not known: retrans does not work here: the kernel
or the platform lacks something. connlat works. replay, diff and config check
work everywhere.
`,
    );
  });

  it('at 160 columns: one line a check, prose of at most 120 columns', () => {
    assert.equal(
      show({ width: 160 }),
      `✓ kernel            Linux 6.12
! cap_sys_ptrace    missing
    connlat, retrans: Network namespaces of other processes may not be read, and so they have no name here.
    Mend: docker run --cap-add SYS_PTRACE; in Kubernetes securityContext.capabilities.add: [SYS_PTRACE].
✗ retrans_programs  cannot load program 'set_state': Operation not supported by this very old kernel of yours (retrans)
    retrans: It cannot trace here.
    Mend: Please report it.
- event             not tried

1 ok, 1 warning, 1 failed, 1 not known: retrans does not work here: the kernel or the platform lacks something. connlat
works. replay, diff and config check work everywhere.
`,
    );
  });

  it('on a pipe: each text on one line', () => {
    const lines = show({}).split('\n');
    assert.equal(lines.filter((line) => line.startsWith('    ')).length, 4);
    assert.ok(lines.includes(`    Mend: ${CHECKS[1]!.mend}`));
    assert.match(lines.at(-2) ?? '', /^1 ok, .* work everywhere\.$/);
  });

  it('is never wider than the terminal', () => {
    for (const width of [40, 60, 80, 100, 132, 200])
      for (const line of show({ width }).split('\n')) assert.ok(line.length <= width, `${width}: ${line}`);
  });

  it('leaves the command to run in one piece, to be copied', () => {
    const verdict = verdictOf([{ ...CHECKS[2]!, exitCode: 77 }], COMMANDS);
    const sudo = `sudo /usr/bin/node ${'/opt/tcpscope/bin/run.js '.repeat(5)}doctor`;
    const text = doctorText(CHECKS, summaryOf(verdict, sudo), {
      ...{ width: 80, colorLevel: 0, plain: false, unicode: true },
    });
    assert.ok(text.endsWith(`\nRun: ${sudo}\n`), text);
  });

  it('in words where the terminal has only ASCII, and in plain text', () => {
    for (const display of [{ unicode: false }, { plain: true }]) {
      const marks = show(display)
        .split('\n')
        .filter((line) => /^\S/.test(line))
        .map((line) => /^(\w+) +(\w+)/.exec(line)?.slice(1).join(' '));
      assert.deepEqual(marks.slice(0, 4), [
        ...['ok kernel', 'warning cap_sys_ptrace', 'failed retrans_programs', 'unknown event'],
      ]);
    }
    assert.match(show({ unicode: false }), /^[\n\x20-\x7e]*$/);
  });

  it('has colours that say no more than the text', () => {
    const coloured = show({ width: 80, colorLevel: 2 });
    assert.ok(coloured.includes('\u001b['));
    // eslint-disable-next-line no-control-regex
    assert.equal(coloured.replaceAll(/\u001b\[[\d;]*m/g, ''), show({ width: 80 }));
    assert.ok(!show({ plain: true, colorLevel: 2 }).includes('\u001b'));
  });

  it('lets nothing from outside through to the terminal', () => {
    const evil: Check = { ...CHECKS[1]!, found: 'a\u001b]0;b\u0007\nc', means: '\u001b[2J', mend: '\r' };
    const text = doctorText([evil], SUMMARY, { width: 80, colorLevel: 0, plain: false, unicode: true });
    // eslint-disable-next-line no-control-regex
    assert.doesNotMatch(text.replaceAll('\n', ''), /[\u0000-\u001f\u007f-\u009f]/);
    assert.equal(text.split('\n').filter((line) => line.startsWith('! ')).length, 1);
    const json = doctorJson([evil], SUMMARY, VERDICT);
    assert.doesNotMatch(json, /u001b|u0007/);
  });
});

describe('the JSON of doctor', () => {
  it('is an object a line: each check, and the summary with the same keys and more', () => {
    const lines = doctorJson(CHECKS, SUMMARY, VERDICT)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(lines[0], {
      ...{ check: 'kernel', status: 'ok', found: 'Linux 6.12', means: null, mend: null, commands: COMMANDS },
    });
    assert.deepEqual(lines[2], {
      check: 'retrans_programs',
      status: 'failed',
      found: "cannot load program 'set_state': Operation not supported by this very old kernel of yours",
      means: 'It cannot trace here.',
      mend: 'Please report it.',
      commands: ['retrans'],
    });
    assert.equal(lines.length, CHECKS.length + 1);
    assert.deepEqual(lines.at(-1), {
      check: 'summary',
      status: 'failed',
      found: '1 ok, 1 warning, 1 failed, 1 not known',
      means:
        'retrans does not work here: the kernel or the platform lacks something. connlat works. replay, diff and config check work everywhere.',
      mend: null,
      commands: COMMANDS,
      ...{ ok: 1, warning: 1, failed: 1, unknown: 1 },
      commands_working: ['connlat'],
      commands_failing: ['retrans'],
      exit_code: 69,
    });
  });
});
