import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { listen, Network, removeStaleNamespaces, SERVER } from '#tcpscope/lab/network.js';

interface Trace {
  names: string[];
  inodes: number[];
}

/** A program that makes a network with a link and a listener, and says so. */
const OWNER = `
  const { Network, listen } = await import(process.argv[1]);
  const network = await Network.create({ delayUs: 1000 });
  await listen(network.server, '::', 9000);
  network.server.spawn('sh', ['-c', 'sleep 1000 & wait']);
  const hosts = [network.client, network.server];
  console.log(JSON.stringify({ names: hosts.map((h) => h.name), inodes: hosts.map((h) => h.inode) }));
`;

async function startOwner(then = ''): Promise<{ trace: Trace; owner: ReturnType<typeof spawn> }> {
  const module = import.meta.resolve('#tcpscope/lab/network.js');
  const owner = spawn(process.execPath, ['--input-type=module', '-e', OWNER + then, module], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(createInterface(owner.stdout), 'line')) as [string];
  return { trace: JSON.parse(line) as Trace, owner };
}

/** The pids of all processes in the namespaces. */
function processesIn(inodes: number[]): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        inodes.some((inode) => readlinkSync(`/proc/${pid}/ns/net`) === `net:[${String(inode)}]`)
      );
    } catch {
      return false; // it has ended meanwhile
    }
  });
}

function assertNothingLeft({ names, inodes }: Trace): void {
  for (const name of names) assert.ok(!existsSync(`/run/netns/${name}`), `${name} is still there`);
  assert.deepEqual(processesIn(inodes), []);
}

function interfaces(): string {
  return readFileSync('/proc/net/dev', 'utf8').replaceAll(/:.*/g, '');
}

describe('lab: cleaning up', function () {
  this.timeout(20_000);
  this.slow(2000);

  for (const options of [{}, { delayUs: 1000 }]) {
    it(`a destroyed network leaves nothing behind: ${JSON.stringify(options)}`, async () => {
      const before = interfaces();
      const network = await Network.create(options);
      const hosts = [network.client, network.server];
      const trace = { names: hosts.map((host) => host.name), inodes: hosts.map((host) => host.inode) };
      await listen(network.server, SERVER.ipv4, 9000);
      const stubborn = network.client.spawn('sh', ['-c', 'sleep 1000 & echo started; wait']);
      await stubborn.nextLine();
      assert.ok(processesIn(trace.inodes).length >= 3);

      await network.destroy();
      assertNothingLeft(trace);
      assert.equal(interfaces(), before);
      await network.destroy(); // a second time does nothing
    });
  }

  it('a failed creation leaves nothing behind', async () => {
    const before = readdirSync('/run/netns');
    await assert.rejects(Network.create({ drop: ['nonsense'] }));
    assert.deepEqual(readdirSync('/run/netns'), before);
  });

  it('a process that ends by itself, by a signal or by an error leaves nothing behind', async () => {
    for (const then of [
      'process.exit(0)',
      "process.kill(process.pid, 'SIGTERM')",
      "throw new Error('uncaught')",
    ]) {
      const { trace, owner } = await startOwner(then);
      if (owner.exitCode === null && owner.signalCode === null) await once(owner, 'exit');
      assertNothingLeft(trace);
    }
  });

  it('removeStaleNamespaces removes what a killed process has left, and nothing else', async () => {
    const network = await Network.create({ name: 'bystander' });
    const { trace, owner } = await startOwner();
    owner.kill('SIGKILL');
    await once(owner, 'exit');

    const removed = removeStaleNamespaces();
    for (const name of trace.names) assert.ok(removed.includes(name));
    assertNothingLeft(trace);
    assert.ok(existsSync(network.client.path) && existsSync(network.server.path));
    await network.destroy();
  });
});
