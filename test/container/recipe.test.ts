/** The recipe of docs/container.md for real, and what is said when a part of it is missing. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { Namespace, connect, listen } from '#tcpscope/lab/network.js';
import { CAPABILITY, type Capability } from '#tcpscope/model/capability.js';
import { threadPrivileges } from '../kernel/thread-status.js';
import { Tool, type Ended } from '../kernel/tool.js';
import { Containers, documentedLacks, documentedPod, documentedRun } from './container.js';

const HOST_ROOT = ['-v', '/:/host:ro,rslave'];
const AS_NOBODY = ['--user=65534'];

describe('tcpscope in a container', function () {
  this.timeout(120_000);
  const { flags, args } = documentedRun();
  const lacks = documentedLacks();
  const documented = (what: string) => {
    const lack = lacks.get(what);
    assert.ok(lack, `docs/container.md has no row "${what}"`);
    return lack;
  };
  let containers: Containers;
  let host: Namespace;
  before(async () => {
    containers = new Containers();
    host = await Namespace.create('contained');
    await listen(host, '127.0.0.1', 9000);
  });
  after(async () => {
    containers.remove();
    await host.destroy();
  });

  const without = (...words: string[]): string[] => {
    for (const word of words) assert.ok(flags.includes(word), `the recipe has no ${word}`);
    return flags.filter((word) => !words.includes(word));
  };
  const inContainer = (given: readonly string[]) => ({
    wrapper: containers.wrapper(given),
    program: containers.program,
  });

  /** Traces 11 connections of the host from a container. */
  async function traced(given: readonly string[], more: readonly string[]): Promise<Ended & { tool: Tool }> {
    const tool = await Tool.start([...more, '--json'], inContainer(given));
    await connect(host, '127.0.0.1', 9000, { count: 11, name: 'outside' });
    await tool.rowsUntil((rows) => rows.filter(({ netns }) => netns === host.inode).length === 11);
    return { tool, ...(await tool.stop()) };
  }

  it('with all: connections of the host with their owner and namespace, the audit, and no warning', async () => {
    const { tool, code, stderr } = await traced(flags, args);
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /warning/);
    assert.match(stderr, /agrees with the kernel/);
    const rows = tool.rows().filter(({ netns }) => netns === host.inode);
    for (const row of rows) {
      assert.equal(row.comm, 'outside');
      assert.equal(row.netns_name, host.name);
    }
  });

  it('retrans too', async () => {
    const tool = await Tool.start(['retrans', '--host-root', '/host', '--by', 'comm'], inContainer(flags));
    const { code, stderr } = await tool.stop();
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /warning/);
    assert.match(stderr, /agrees with the kernel \(RetransSegs/);
  });

  it('gives up what it needs no more there as well', async () => {
    const tool = await Tool.start([...args, '--netns', String(host.inode)], inContainer(flags));
    const pid = Number(
      execFileSync('pgrep', ['-f', `${containers.program} connlat .*--netns ${host.inode}`, '--newest'], {
        encoding: 'utf8',
      }),
    );
    const kept: Capability[] = ['CAP_BPF', 'CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH'];
    const set = kept.reduce((bits, name) => bits | (1n << BigInt(CAPABILITY[name])), 0n);
    for (const { isMain, permitted, noNewPrivileges } of threadPrivileges(pid)) {
      assert.equal(permitted, isMain ? set : 0n);
      assert.ok(noNewPrivileges);
    }
    await tool.stop();
  });

  /** Runs it, perhaps for 300 ms, and holds what it says against the documentation. */
  async function says(
    what: string,
    given: readonly string[],
    more: readonly string[] = args,
  ): Promise<Ended> {
    const { code, line } = documented(what);
    const tool = Tool.spawn([...more, '--duration', '300ms', '--csv'], inContainer(given));
    const ended = await tool.wait();
    assert.ok(
      ended.stderr.split('\n').some((each) => each.replace(/^tcpscope: /, '') === line),
      `${line}\n${ended.stderr}`,
    );
    assert.equal(ended.code, code, ended.stderr);
    if (code === 0) {
      assert.match(ended.stderr, /Tracing outgoing TCP handshakes/);
      assert.equal(ended.stderr.match(/^warning: /gm)?.length, 1, ended.stderr);
    }
    return ended;
  }
  const tested = new Set<string>();
  const lacking = (what: string, run: (what: string) => Promise<unknown>): void => {
    tested.add(what);
    it(`without ${what}: what docs/container.md says`, () => run(what));
  };

  lacking('CAP_BPF', async (what) => {
    const { stderr } = await says(what, without('--cap-add=BPF'));
    assert.match(stderr, /--cap-add=BPF;/);
  });
  lacking('CAP_PERFMON', async (what) => {
    const { stderr } = await says(what, without('--cap-add=PERFMON'));
    assert.match(stderr, /--cap-add=PERFMON;/);
  });
  lacking('both', (what) => says(what, without('--cap-add=BPF', '--cap-add=PERFMON')));
  lacking('a seccomp profile', (what) => says(what, without('--security-opt=seccomp=unconfined')));
  lacking("the host's user ns", (what) =>
    says(what, [...flags, '--uidmap=0:100000:65536', '--gidmap=0:100000:65536']),
  );
  lacking('BTF', async (what) => {
    const empty = mkdtempSync(path.join(tmpdir(), 'no-btf-'));
    await says(what, [...flags, '-v', `${empty}:/sys/kernel/btf:ro`]);
    rmdirSync(empty);
  });
  lacking('tracefs', async (what) => {
    await says(what, flags, [...args, '--sync-errors']);
    const folder = mkdtempSync(path.join(tmpdir(), 'tracefs-'));
    execFileSync('mount', ['-t', 'tracefs', 'tracefs', folder]);
    try {
      const given = [...flags, '-v', `${folder}:/sys/kernel/tracing`];
      const tool = await Tool.start([...args, '--sync-errors'], inContainer(given));
      assert.equal((await tool.stop()).code, 0);
    } finally {
      execFileSync('umount', [folder]);
      rmdirSync(folder);
    }
  });
  lacking("the host's root", (what) => says(what, without(...HOST_ROOT)));
  lacking("the host's pids", (what) => says(what, without('--pid=host', ...HOST_ROOT), ['connlat']));
  lacking('CAP_SYS_PTRACE', (what) => says(what, without('--cap-add=SYS_PTRACE')));
  lacking('CAP_DAC_READ_SEARCH', async (what) => {
    const { line } = documented(what);
    const asRoot = await Tool.start(args, inContainer(without('--cap-add=DAC_READ_SEARCH')));
    assert.doesNotMatch((await asRoot.stop()).stderr, /warning/);
    // Engines give no capability to another user; podman does, where it is asked for.
    const ended = await says(what, [...without('--cap-add=DAC_READ_SEARCH'), ...AS_NOBODY]);
    assert.ok(ended.stderr.includes(line));
  });
  // test/host/unseen.test.ts
  tested.add('cgroups');

  it('the table says nothing else', () => {
    assert.deepEqual([...lacks.keys()].sort(), [...tested].sort());
  });

  it('with --host-root, the pids of the host are not needed', async () => {
    const { code, stderr } = await traced(without('--pid=host'), args);
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /warning/);
  });

  it('the pod of the documentation is given the same', () => {
    const { spec } = parse(documentedPod()) as {
      spec: {
        hostPID: boolean;
        containers: {
          image: string;
          command: string[];
          securityContext: {
            capabilities: { drop: string[]; add: string[] };
            seccompProfile: { type: string };
          };
          volumeMounts: { name: string; mountPath: string; readOnly: boolean; mountPropagation: string }[];
        }[];
        volumes: { name: string; hostPath: { path: string } }[];
      };
    };
    const [container] = spec.containers;
    const { securityContext, volumeMounts, command } = container!;
    const [mount] = volumeMounts;
    const volume = spec.volumes.find(({ name }) => name === mount!.name);
    const words = [
      ...(spec.hostPID ? ['--pid=host'] : []),
      ...securityContext.capabilities.drop.map((name) => `--cap-drop=${name}`),
      ...securityContext.capabilities.add.map((name) => `--cap-add=${name}`),
      `--security-opt=seccomp=${securityContext.seccompProfile.type.toLowerCase()}`,
      ...['-v', `${volume!.hostPath.path}:${mount!.mountPath}:${mount!.readOnly ? 'ro' : 'rw'},rslave`],
    ];
    assert.equal(mount!.mountPropagation, 'HostToContainer');
    assert.deepEqual(words, without('--rm'));
    assert.deepEqual(command.slice(0, 6), ['npx', '--yes', 'tcpscope', ...args]);
  });
});
