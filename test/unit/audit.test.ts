import assert from 'node:assert/strict';
import { retransmitAuditSentence } from '#tcpscope/aggregate/audit.js';
import type { RetransmitAudit } from '#tcpscope/model/audit.js';

/** What is said when 1,009 segments were seen and the kernel counts from `atLeast` to `atMost`. */
function sentence(atLeast: number, atMost: number, difference: Partial<RetransmitAudit> = {}): string {
  return retransmitAuditSentence({
    retransSegs: { atLeast, atMost },
    segments: 1009,
    failed: 0,
    elsewhere: 0,
    namespacesGone: 0,
    unseen: 0,
    ...difference,
  });
}

describe('the self-audit of retrans', () => {
  it('agrees with one number, or with a range on a busy host', () => {
    assert.equal(sentence(1009, 1009), 'agrees with the kernel (RetransSegs +1,009)');
    assert.equal(sentence(1009, 1013), 'agrees with the kernel (RetransSegs +1,009 to +1,013)');
    assert.equal(sentence(997, 1009), 'agrees with the kernel (RetransSegs +997 to +1,009)');
    assert.equal(
      sentence(0, 0, { segments: 0, unseen: 5 }),
      'agrees with the kernel (RetransSegs +0)',
      'nothing to explain',
    );
  });

  it('says what it left out of the comparison', () => {
    assert.equal(
      sentence(1009, 1009, { failed: 1201 }),
      'agrees with the kernel (RetransSegs +1,009, without 1,201 that could not leave)',
    );
    assert.equal(
      sentence(1009, 1009, { elsewhere: 2003 }),
      'agrees with the kernel (RetransSegs +1,009); 2,003 more in network namespaces that could not be read at the end',
    );
  });

  it('differs by one, below and above', () => {
    assert.match(sentence(1010, 1010), /^differs from the kernel: RetransSegs \+1,010, seen 1,009 \(/);
    assert.match(
      sentence(1000, 1008),
      /^differs from the kernel: RetransSegs \+1,000 to \+1,008, seen 1,009 \(/,
    );
  });

  it('gives the reason that it knows: losses, then namespaces, then what no program sees', () => {
    const because = (kernel: number, difference: Partial<RetransmitAudit>): string =>
      /\((.*)\)/.exec(sentence(kernel, kernel, difference))?.[1] ?? '';
    assert.equal(because(2000, { unseen: 1204, namespacesGone: 3 }), '1,204 events were not seen');
    assert.equal(because(2000, { namespacesGone: 3 }), 'network namespaces that ended meanwhile: 3');
    assert.equal(because(2000, {}), 'segments were sent again where no program may run');
    assert.equal(because(1000, {}), 'a network namespace has ended, or only root can read it');
    assert.match(
      sentence(2000, 2000, { elsewhere: 7 }),
      /\); 7 more in network namespaces that could not be read at the end$/,
    );
  });
});
