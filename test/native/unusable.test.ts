import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';

describe('the package where the addon cannot be loaded', () => {
  it('can be imported, tells why, and throws that at every use', () => {
    const script = `
      import { BpfObject, addonError, kernelBtf, libbpfVersion, possibleCpus } from '#bpf-native-bindings';
      const uses = [() => BpfObject.open(new Uint8Array()), () => kernelBtf.available(), () => possibleCpus()];
      const thrown = uses.map((use) => { try { return use(); } catch (error) { return error === addonError; } });
      console.log(JSON.stringify([addonError.name, addonError.reason, libbpfVersion, thrown]));`;
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      env: { ...process.env, BPF_NATIVE_BINDINGS_ADDON: '/nowhere/bpf.node' },
    });
    assert.deepEqual(JSON.parse(output), ['AddonError', 'missing', '', [true, true, true]]);
  });
});
