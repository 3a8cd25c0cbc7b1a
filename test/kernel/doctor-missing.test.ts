/** What doctor says of hosts that lack something: this one, seen without it. */
import assert from 'node:assert/strict';
import { onHost } from '../features.js';
import { doctor } from './doctor-run.js';
import { ROOT } from './tool.js';

/** A mount namespace of our own, in which a shell line changes what the program sees of the host. */
const seeing = (line: string): string[] => ['unshare', '-m', 'sh', '-c', `${line}; exec "$@"`, 'sh'];
/** Nobody may not look into every folder that a checkout is in: they see it on /mnt. */
const NOBODY = [
  ...seeing(`mount --bind '${ROOT}' /mnt`),
  ...['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
];
const NOBODYS_RUN = '/mnt/bin/run.js';
const withoutCapabilities = (...names: string[]): string[] => [
  ...['setpriv', `--bounding-set=${names.map((name) => `-${name}`).join(',')}`],
  `--inh-caps=${names.map((name) => `-${name}`).join(',')}`,
];

// What is missing is taken away here, on each kernel in the same way; test/kernel/doctor is run on all.
onHost.describe('doctor where something is missing', () => {
  it('nobody: exit code 77, each capability, and the very command', () => {
    const { code, of } = doctor([], NOBODY, NOBODYS_RUN);
    assert.equal(code, 77);
    const sudo = `sudo ${process.execPath} ${NOBODYS_RUN} doctor --json`;
    for (const check of ['cap_bpf', 'cap_perfmon', 'bpf', 'connlat_programs']) {
      assert.equal(of(check).status, 'failed', check);
      assert.equal(of(check).mend, sudo, check);
    }
    assert.equal(of('cap_sys_ptrace').status, 'warning');
    assert.equal(of('inet_sock_set_state').status, 'ok', 'the BTF may be read');
    assert.equal(of('summary').mend, `Run: ${sudo}`);
    assert.deepEqual(of('summary').commands_failing, ['connlat', 'retrans']);
  });

  const CAPABILITIES: [dropped: string[], check: string, code: number, status: string][] = [
    [['bpf', 'sys_admin'], 'cap_bpf', 77, 'failed'],
    [['perfmon', 'sys_admin'], 'cap_perfmon', 77, 'failed'],
    [['sys_ptrace'], 'cap_sys_ptrace', 0, 'warning'],
  ];
  for (const [dropped, check, code, status] of CAPABILITIES) {
    it(`root without ${dropped.join(' and ')}: exit code ${code}, and what to add`, () => {
      const said = doctor(['connlat'], withoutCapabilities(...dropped));
      assert.equal(said.code, code);
      assert.equal(said.of(check).status, status);
      assert.match(said.of(check).mend ?? '', new RegExp(`--cap-add ${check.slice(4).toUpperCase()};`));
      const others = CAPABILITIES.map(([, name]) => name).filter((name) => name !== check);
      for (const other of others) assert.equal(said.of(other).status, 'ok', other);
    });
  }

  it('root without CAP_SYS_ADMIN, but with the two that were split off: works', () => {
    const { code, of } = doctor(['connlat'], withoutCapabilities('sys_admin'));
    assert.equal(code, 0);
    assert.equal(of('cap_bpf').found, 'held');
  });

  it('nobody with these two works as connlat does', () => {
    const capabilities = '+bpf,+perfmon';
    const { code, of } = doctor(
      ['connlat'],
      [
        ...NOBODY,
        `--inh-caps=${capabilities}`,
        `--ambient-caps=${capabilities}`,
        `--bounding-set=-all,${capabilities}`,
      ],
      NOBODYS_RUN,
    );
    assert.equal(code, 0);
    assert.equal(of('event').status, 'ok');
    assert.equal(of('cap_sys_ptrace').status, 'warning');
  });

  it('a user namespace, as of a rootless container: exit code 77, and why', () => {
    const { code, of } = doctor(['connlat'], ['unshare', '-U', '-r']);
    assert.equal(code, 77);
    assert.equal(of('user_namespace').status, 'failed');
    assert.equal(of('cap_bpf').status, 'ok');
    assert.match(of('bpf').mend ?? '', /user_namespace/);
  });

  it('no BTF: exit code 69', () => {
    const { code, of } = doctor(['connlat'], seeing('mount -t tmpfs tmpfs /sys/kernel/btf'));
    assert.equal(code, 69);
    assert.equal(of('btf').status, 'failed');
    assert.match(of('btf').mend ?? '', /CONFIG_DEBUG_INFO_BTF/);
    assert.equal(of('connlat_programs').status, 'unknown');
  });

  it('lockdown=confidentiality: exit code 69; integrity: 0', () => {
    const lockdown = (modes: string): string[] =>
      seeing(`mount -t tmpfs tmpfs /sys/kernel/security && echo "${modes}" > /sys/kernel/security/lockdown`);
    const confidential = doctor(['connlat'], lockdown('none integrity [confidentiality]'));
    assert.equal(confidential.code, 69);
    assert.equal(confidential.of('lockdown').status, 'failed');
    const integrity = doctor(['connlat'], lockdown('none [integrity] confidentiality'));
    assert.equal(integrity.code, 0);
    assert.deepEqual([integrity.of('lockdown').status, integrity.of('lockdown').found], ['ok', 'integrity']);
  });

  it('no tracefs: --sync-errors does not work, all else does', () => {
    const line =
      'umount -l /sys/kernel/tracing /sys/kernel/debug 2>/dev/null; mount -t tmpfs tmpfs /sys/kernel/debug';
    const { code, of } = doctor(['connlat'], seeing(line));
    assert.equal(code, 0);
    assert.equal(of('sync_errors').status, 'warning');
    assert.match(of('sync_errors').mend ?? '', /mount -t tracefs/);
  });

  it('with tracefs it does', () => {
    const line = '[ -d /sys/kernel/tracing/instances ] || mount -t tracefs tracefs /sys/kernel/tracing';
    assert.equal(doctor(['connlat'], seeing(line)).of('sync_errors').status, 'ok');
  });

  it("a container's own processes: PID is not of this /proc", () => {
    const { code, of } = doctor(['connlat'], ['unshare', '--pid', '--fork', '--mount-proc']);
    assert.equal(code, 0);
    assert.equal(of('proc').status, 'warning');
    assert.match(of('proc').mend ?? '', /--pid=host/);
  });

  it("the same with the host's root mounted: it is", () => {
    const root = ['unshare', '-m', 'sh', '-c', 'mount --rbind / /mnt; exec "$@"', 'sh'];
    const { code, of } = doctor(
      ['connlat', '--host-root', '/mnt'],
      [...root, ...['unshare', '--pid', '--fork', '--mount-proc=/proc']],
    );
    assert.equal(code, 0);
    assert.equal(of('proc').found, "/mnt/proc is the host's");
  });

  it('hidepid: what is hidden from nobody is not from root', () => {
    // A mount of its own: remounting changes the one of all others.
    const hiding = seeing('mount -t proc -o hidepid=2 proc /proc');
    assert.equal(doctor(['connlat'], hiding).of('processes').status, 'ok');
    const { of } = doctor(['connlat'], [...hiding, ...NOBODY], NOBODYS_RUN);
    assert.equal(of('processes').status, 'warning');
    assert.match(of('processes').found, /hidepid=(invisible|2)/);
  });

  it("a time namespace: the kernel's clock is another", () => {
    const { code, of } = doctor(['connlat'], ['unshare', '--time', '--monotonic', '500', '--fork']);
    assert.equal(code, 0);
    assert.equal(of('clock').status, 'warning');
    assert.match(of('clock').found, /8m 20s behind/);
  });

  it('an addon that does not load: exit code 69, and all else is told', () => {
    const { code, of, lines } = doctor(['connlat'], ['env', 'BPF_NATIVE_BINDINGS_ADDON=/nowhere/bpf.node']);
    assert.equal(code, 69);
    assert.equal(of('addon').status, 'failed');
    assert.match(of('addon').means ?? '', /\/nowhere\/bpf\.node/);
    assert.equal(of('cap_bpf').status, 'ok');
    assert.equal(of('proc').status, 'ok');
    assert.ok(!lines.some(({ check }) => check === 'connlat_programs'));
  });

  it('another system than Linux: exit code 69, and what works there', () => {
    const darwin = `data:text/javascript,Object.defineProperty(process,'platform',{value:'darwin'})`;
    const { code, of, lines } = doctor(['connlat'], ['env', `NODE_OPTIONS=--import=${darwin}`]);
    assert.equal(code, 69);
    assert.equal(of('kernel').status, 'failed');
    assert.match(of('kernel').mend ?? '', /replay, diff and config check work here/);
    assert.ok(lines.length < 6);
  });

  it('no /proc: exit code 69, and no stack trace', () => {
    const { code, of } = doctor(['connlat'], seeing('mount -t tmpfs tmpfs /proc'));
    assert.equal(code, 69);
    assert.equal(of('proc').status, 'failed');
    assert.equal(of('cap_bpf').status, 'unknown');
  });

  it('no network: nothing to listen on', () => {
    const { code, of } = doctor(['connlat'], ['unshare', '-n']);
    assert.equal(code, 0);
    assert.ok(['ok', 'unknown'].includes(of('event').status));
  });

  it('few open files: a warning, not a crash', () => {
    const { of } = doctor(['connlat'], ['prlimit', '--nofile=200']);
    assert.equal(of('open_files').status, 'warning');
    assert.equal(of('open_files').found, 'at most 200');
  });
});
