/** What the summary says of the totals, beside the kernel's own counters. */
import assert from 'node:assert/strict';
import { Namespace, Network, SERVER, connect, listen } from '#tcpscope/lab/network.js';
import { SLOWDOWN } from '../slowdown.js';
import { Tool, countBy, trace } from './tool.js';

const PORT = 9000;

describe('the self-audit of connlat', () => {
  it('agrees with ActiveOpens of the whole host, AttemptFails included', async () => {
    const network = await Network.create();
    try {
      await listen(network.server, SERVER.ipv4, PORT);
      const { rows, stderr } = await trace([], async () => {
        await connect(network.client, SERVER.ipv4, PORT, { count: 23 });
        await connect(network.client, SERVER.ipv4, 9009, { count: 7 });
      });
      const ours = rows.filter((row) => row.netns === network.client.inode);
      assert.deepEqual(
        countBy(ours, (row) => row.result),
        { ok: 23, refused: 7 },
      );
      const counters = await network.client.snmp();
      assert.equal(counters['Tcp.ActiveOpens'], 30);
      assert.equal(counters['Tcp.AttemptFails'], 7);
      const agreed = /agrees with the kernel \(ActiveOpens (?:\+[\d,]+ to )?\+([\d,]+), AttemptFails \+/;
      const opens = Number(agreed.exec(stderr)?.[1]?.replaceAll(',', ''));
      assert.ok(opens >= 30, stderr);
      assert.match(stderr, /0 events lost/);
    } finally {
      await network.destroy();
    }
  });

  for (const view of [[], ['--hist']])
    it(`leaves out what was in a namespace whose number another one has by now${view.join('').replace('--', ', as ')}`, async () => {
      const tool = await Tool.start(['connlat', ...view]);
      const first = await Namespace.create('ends');
      await connect(first, '127.0.0.1', 9009, { count: 40 });
      await first.destroy();
      const others: Namespace[] = [];
      try {
        const last = await withNumber(first.inode, others);
        assert.equal(last.inode, first.inode);
        await listen(last, '127.0.0.1', PORT);
        await connect(last, '127.0.0.1', PORT, { count: 3 });
        const { stderr } = await tool.stop();
        assert.match(stderr, /agrees with the kernel/);
        const elsewhere = /; ([\d,]+) more in network namespaces/.exec(stderr.replaceAll('\n', ' '))?.[1];
        assert.ok(Number(elsewhere?.replaceAll(',', '')) >= 40, stderr);
      } finally {
        await Promise.all(others.map((each) => each.destroy()));
      }
    });
});

/**
 * A namespace with the number of one that has been destroyed. The kernel gives the lowest number that is free, and frees numbers some time
 * after a namespace's end: those made for lower ones stay in `fillers`, so that its turn comes, and those that came too early go again.
 */
async function withNumber(inode: number, fillers: Namespace[]): Promise<Namespace> {
  const deadline = Date.now() + 20_000 * SLOWDOWN;
  while (Date.now() < deadline) {
    const next = await Namespace.create('follows');
    if (next.inode <= inode) fillers.push(next);
    else await next.destroy();
    if (next.inode === inode) return next;
  }
  throw new Error(`no namespace got the number ${inode}`);
}
