/** A short run of kinds.ts: each kind of retransmission beside the kernel's functions, where fentry and sch_netem are. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { need } from '../features.js';

const KINDS = fileURLToPath(new URL('kinds.js', import.meta.url));
const NETWORKS = ['5 % loss of large skbs', '10 % loss there', 'short connections', 'no SACK', 'BBR, 10 %'];
/** The others than SYN and SYN-ACK come in each of these networks, also where the CPU is emulated. */
const LEAST_OF_ALL = 100;

describe('kinds of retransmissions, beside fentry', () => {
  before(function () {
    need(this, 'netem', 'fentry');
  });

  it('are right, of each kind that came often enough to tell', function () {
    this.timeout(120_000);
    const only = NETWORKS.flatMap((name) => ['--only', name]);
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [KINDS, '--seconds', '5', '--least', '50', ...only],
      { encoding: 'utf8' },
    );
    const all = Number(/^\| all +\|.*\| +([\d,]+) \| +[\d.]+ \|$/m.exec(stdout)?.[1]?.replaceAll(',', ''));
    assert.equal(status, 0, stdout + stderr);
    assert.ok(all >= LEAST_OF_ALL, stdout + stderr);
  });
});
