/**
 * What is built for arm64, run in emulation on this machine's kernel: all but bpf(2), which QEMU does not emulate for programs.
 * A guest has the rest: npm run test:vm -- --arch arm64.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BpfObject, kernelBtf, libbpfVersion, possibleCpus } from '#bpf-native-bindings';
import { Namespace } from '#tcpscope/lab/network.js';
import { growth } from '../lab/growth.js';
import { ROOT, helperOf, prebuild } from './prebuilt.js';

const OBJECT = join(ROOT, 'dist/bpf/retrans.bpf.o');
const TRACEPOINT = 'btf_trace_tcp_retransmit_skb';

describe('arm64, emulated', function () {
  // Time to fetch an arm64 system; on a busy machine emulation is slow, too.
  this.timeout(600_000);
  this.slow(20_000);
  before(() => {
    prebuild();
    assert.equal(emulatedNode('-p', 'process.arch'), 'arm64\n'); // and QEMU is installed
  });

  function emulatedNode(...words: string[]): string {
    return execFileSync(join(ROOT, 'test/vm/arm64-node'), words, {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: 'pipe',
    });
  }

  it('the addon is loaded, reads BPF objects and the kernel’s types, and says what the kernel refuses', () => {
    const script = `
      import { readFileSync } from 'node:fs';
      import { BpfObject, kernelBtf, libbpfVersion, possibleCpus } from '#bpf-native-bindings';
      const object = BpfObject.open(readFileSync('${OBJECT}'));
      const { programNames, mapNames } = object;
      const has = [kernelBtf.hasType('${TRACEPOINT}', 'typedef'), kernelBtf.hasType('nonsense')];
      let refused;
      try { object.load(); } catch (error) { refused = [error.name, error.operation]; }
      const facts = { libbpfVersion, cpus: possibleCpus(), programNames, mapNames, has, refused };
      console.log(JSON.stringify({ arch: process.arch, ...facts, states: kernelBtf.enumValues('bpf_map_type') }));`;
    const object = BpfObject.open(readFileSync(OBJECT));
    const { programNames, mapNames } = object;
    object.close();
    assert.ok(kernelBtf.hasType(TRACEPOINT, 'typedef'));
    assert.deepEqual(JSON.parse(emulatedNode('--input-type=module', '--eval', script)), {
      arch: 'arm64',
      libbpfVersion,
      cpus: possibleCpus(),
      programNames,
      mapNames,
      has: [true, false],
      refused: ['BpfError', 'load'],
      states: kernelBtf.enumValues('bpf_map_type'),
    });
  });

  it('a recording is replayed to the same text', () => {
    const words = ['bin/run.js', 'replay', 'test/record/fixtures/retransmits.tsr', '--by', 'remote,kind'];
    const here = execFileSync(process.execPath, words, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' });
    assert.match(here, /rto/);
    assert.equal(emulatedNode(...words), here);
  });

  it('traffic makes exactly as many connections as asked', async () => {
    const host = await Namespace.create();
    try {
      const opened = await growth(host, 'Tcp.ActiveOpens', async () => {
        const { stdout } = await host.exec('qemu-aarch64-static', [
          helperOf('arm64', 'traffic'),
          'loop',
          '53',
          '9000',
        ]);
        assert.equal((JSON.parse(stdout) as { handshakes: number }).handshakes, 53);
      });
      assert.equal(opened, 53);
    } finally {
      await host.destroy();
    }
  });
});
