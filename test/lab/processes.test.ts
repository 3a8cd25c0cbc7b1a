import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { connect, listen, Namespace, startConnect } from '#tcpscope/lab/network.js';
import { growth } from './growth.js';

const HOST = '127.0.0.1';
const PORT = 9000;

interface Process {
  pid: number;
  parent: number;
  state: string;
}

/** What the kernel says about the processes whose parent it is. */
function childrenOf(parent: number): Process[] {
  return processes().filter((process) => process.parent === parent);
}

function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const [state = '', ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return [{ pid: Number(name), parent: Number(ppid), state }];
      } catch {
        return []; // it has ended meanwhile
      }
    });
}

function pidsOf(list: Process[]): number[] {
  return list.map(({ pid }) => pid).sort((a, b) => a - b);
}

/** Resolves when none of the processes is there; they must be about to end. */
async function gone(pids: number[]): Promise<void> {
  while (processes().some(({ pid, state }) => pids.includes(pid) && state !== 'Z')) {
    await setImmediate();
  }
}

describe('lab: listeners of several processes', function () {
  this.timeout(20_000);
  this.slow(2000);

  let host: Namespace;
  before(async () => {
    host = await Namespace.create();
  });
  after(() => host.destroy());

  it('workers accept from the socket that they have inherited, and their parent does not', async () => {
    const listener = await listen(host, HOST, PORT, { workers: 3, reply: true });
    assert.equal(listener.workerPids.length, 3);
    assert.deepEqual(
      pidsOf(childrenOf(listener.pid)),
      listener.workerPids.toSorted((a, b) => a - b),
    );
    const accepted = await growth(host, 'Tcp.PassiveOpens', async () => {
      const options = { count: 47, concurrent: 8, send: 101, receive: true };
      assert.equal((await connect(host, HOST, PORT, options)).received, 47 * 101);
    });
    assert.equal(accepted, 47);

    const summary = await listener.stop();
    assert.deepEqual(
      summary.workers?.map((worker) => worker.pid),
      listener.workerPids,
    );
    assert.equal(summary.accepted, 47);
    assert.equal(
      summary.workers.reduce((sum, worker) => sum + worker.accepted, 0),
      47,
    );
    assert.deepEqual(pidsOf(processes().filter(({ pid }) => listener.workerPids.includes(pid))), []);
  });

  it('counts what each worker has accepted', async () => {
    const listener = await listen(host, HOST, PORT, { workers: 3, close: true });
    const [first = NaN, second = NaN, third = NaN] = listener.workerPids;
    for (const pid of [first, second]) process.kill(pid, 'SIGSTOP');
    const stopped = () => childrenOf(listener.pid).filter(({ state }) => state === 'T').length;
    while (stopped() < 2) await setImmediate();
    await connect(host, HOST, PORT, { count: 7, send: 1 });
    assert.deepEqual((await listener.stop()).workers, [
      { pid: first, accepted: 0 },
      { pid: second, accepted: 0 },
      { pid: third, accepted: 7 },
    ]);
  });

  it('workers die with their parent', async () => {
    const { pid, workerPids } = await listen(host, HOST, PORT, { workers: 2 });
    process.kill(pid, 'SIGKILL');
    await gone([pid, ...workerPids]);
  });

  it('serves every connection in a process of its own', async () => {
    const listener = await listen(host, HOST, PORT, { fork: true, send: 11, reply: true });
    const connecting = startConnect(host, HOST, PORT, { count: 3, hold: true });
    await connecting.summary;
    while (childrenOf(listener.pid).length < 3) await setImmediate();
    for (const child of childrenOf(listener.pid)) assert.deepEqual(await socketsOf(host, child.pid), [1, 0]);
    while ((await socketsOf(host, listener.pid))[0] !== 0) continue; // its copies are closed
    assert.deepEqual(await socketsOf(host, listener.pid), [0, 1]);

    const options = { count: 5, concurrent: 5, send: 1009, receive: true };
    assert.equal((await connect(host, HOST, PORT, options)).received, 5 * (1009 + 11));
    await connecting.stop();
    while (childrenOf(listener.pid).length > 0) await setImmediate(); // not even as zombies
    assert.equal((await listener.stop()).accepted, 8);
  });

  it('processes of connections die with their parent', async () => {
    const { pid } = await listen(host, HOST, PORT, { fork: true });
    const connecting = startConnect(host, HOST, PORT, { count: 3, hold: true });
    await connecting.summary;
    let children = childrenOf(pid);
    for (; children.length < 3; children = childrenOf(pid)) await setImmediate();
    process.kill(pid, 'SIGKILL');
    await gone([pid, ...pidsOf(children)]);
    await connecting.stop();
  });

  it('accepts in a second thread with a name of its own', async () => {
    const listener = await listen(host, HOST, PORT, { acceptThread: true, reply: true, name: 'shop' });
    const tasks = `/proc/${String(listener.pid)}/task`;
    const names = () => readdirSync(tasks).map((tid) => readFileSync(`${tasks}/${tid}/comm`, 'utf8').trim());
    while (!names().includes('acceptor')) await setImmediate();
    assert.deepEqual(names(), ['shop', 'acceptor']);
    const options = { count: 29, concurrent: 7, send: 1009, receive: true };
    assert.equal((await connect(host, HOST, PORT, options)).received, 29 * 1009);
    assert.equal((await listener.stop()).accepted, 29);
  });

  it('says which of these exclude each other', async () => {
    await assert.rejects(
      listen(host, HOST, PORT, { workers: 2, fork: true }),
      /--workers, --fork and --accept-thread exclude each other/,
    );
  });
});

/** How many established and how many listening TCP sockets the process has, as ss counts them. */
async function socketsOf(namespace: Namespace, pid: number): Promise<[number, number]> {
  const { stdout } = await namespace.exec('ss', ['-Htanp']);
  const own = stdout.split('\n').filter((line) => line.includes(`pid=${String(pid)},`));
  const count = (state: string) => own.filter((line) => line.startsWith(state)).length;
  return [count('ESTAB'), count('LISTEN')];
}
