/** How flows get their names, and how sources and tables use them. */
import assert from 'node:assert/strict';
import { HandshakeGroups } from '#tcpscope/aggregate/handshake-groups.js';
import { parseGroupKeys } from '#tcpscope/aggregate/group-keys.js';
import { handshakeKeys } from '#tcpscope/aggregate/handshake-keys.js';
import { createAttributor, type AttributionSources } from '#tcpscope/attribute/attributor.js';
import { AttributedSource } from '#tcpscope/attribute/attributed-source.js';
import { formatEndpoint, parseEndpoint } from '#tcpscope/model/endpoint.js';
import type { Flow } from '#tcpscope/model/flow.js';
import type { Handshake } from '#tcpscope/model/handshake.js';
import type { Meeting } from '#tcpscope/model/meeting.js';
import { NameBook } from '#tcpscope/model/name-book.js';
import type { Source } from '#tcpscope/model/source.js';
import { handshakeGroupColumns } from '#tcpscope/view/handshake-group-columns.js';
import { handshake } from './handshakes.js';
import { seededRandom } from './random.js';

const CONTEXT = { clockOffsetNs: 0, timeFormat: 'utc', startedNs: 0 } as const;
const NO_LOSSES = { lost: 0, untracked: 0, missed: 0 };

const MEETING: Meeting = {
  type: 'meeting',
  role: 'server',
  timeNs: 5,
  localAddress: '10.0.0.1',
  remoteAddress: '10.0.0.2',
  localPort: 443,
  remotePort: 40_000,
  netns: 1,
  rttUs: 80,
};

/** Gives what is put into it. */
function sourceOf(items: (Handshake | Meeting)[]): Source<Handshake | Meeting> {
  return {
    drain: () => items.splice(0),
    stop: () => undefined,
    losses: () => NO_LOSSES,
    close: () => undefined,
  };
}

/** Answers that tell what was asked. */
const SOURCES: AttributionSources = {
  workload: (cgroupId, pid, nowNs) => ({
    name: `${cgroupId} ${pid} ${nowNs}`,
    cgroup: '/',
    containerId: undefined,
    container: undefined,
    pod: undefined,
    namespace: undefined,
    unit: undefined,
  }),
  netnsName: (netns, nowNs, workload) => `net ${netns}${nowNs === 10 ? '' : ` of ${workload?.name}`}`,
  place: (address) => ({ region: address, role: undefined, external: false }),
  remoteName: (address) => `name of ${address}`,
  service: (port) => `service ${port}`,
};

describe('the attributor', () => {
  it('tells of a flow the same whatever came before it', () => {
    const random = seededRandom(3);
    const below = (limit: number): number => Math.floor(random() * limit);
    const names = new NameBook();
    const attribute = createAttributor(SOURCES, names);
    let nowNs = 0;
    for (let count = 0; count < 5000; count++) {
      nowNs += below(2);
      const facts = {
        cgroupId: below(2),
        pid: below(2),
        netns: below(2),
        localAddress: `10.0.0.${below(2)}`,
        remoteAddress: `10.0.1.${below(2)}`,
      };
      const [flow, alone] = [handshake(facts), handshake(facts)];
      attribute(flow, nowNs);
      createAttributor(SOURCES, new NameBook())(alone, nowNs);
      assert.deepEqual(flow, alone);
      assert.equal(names.netns(flow.netns), (flow as Flow).netnsName);
    }
  });

  it('asks each source with what it is about', () => {
    const names = new NameBook();
    const attribute = createAttributor(SOURCES, names);
    const flow = handshake({ cgroupId: 7, pid: 8, netns: 9 });
    attribute(flow, 10);
    const { workload, netnsName, localPlace, remotePlace, remoteName, service } = flow as typeof flow & {
      workload: { name: string };
      netnsName: string;
      localPlace: { region: string };
      remotePlace: { region: string };
      remoteName: string;
      service: string;
    };
    assert.equal(workload.name, '7 8 10');
    assert.equal(netnsName, 'net 9');
    assert.equal(localPlace.region, '10.1.4.7');
    assert.equal(remotePlace.region, '10.3.0.12');
    assert.equal(remoteName, 'name of 10.3.0.12');
    assert.equal(service, 'service 6379');
    assert.equal(names.netns(9), 'net 9');
    assert.equal(names.remote('10.3.0.12'), 'name of 10.3.0.12');
  });
});

describe('an attributed source', () => {
  it('attributes before it decides, and gives both ends of connections to the recorder alone', () => {
    const recorded: string[] = [];
    const source = new AttributedSource(
      sourceOf([handshake({ pid: 1 }), MEETING, handshake({ pid: 2 }), handshake({ pid: 3 })]),
      {
        attribute: (flow) => {
          flow.comm = `of ${flow.pid}`;
        },
        wants: ({ comm }) => comm !== 'of 2',
        recorder: {
          add: (item) => recorded.push(item.type === 'meeting' ? 'meeting' : (item as Handshake).comm),
          checkpoint: (nowNs, losses) => recorded.push(`${nowNs} ${losses.lost}`),
        },
      },
    );
    assert.deepEqual(
      source.drain(99).map(({ comm }) => comm),
      ['of 1', 'of 3'],
    );
    assert.deepEqual(recorded, ['meeting', '99 0']);
  });
});

describe('names in tables', () => {
  it('stand on the screen once they are known, and not in what machines read', () => {
    const names = new NameBook();
    const groups = new HandshakeGroups(parseGroupKeys(['remote', 'netns'], handshakeKeys(names)));
    const [remote, netns] = handshakeGroupColumns(groups.keys, () => 0);
    groups.add(handshake({ netns: 5 }));
    const [row] = groups.rows();
    assert.ok(remote && netns && row);
    assert.equal(remote.text(row, CONTEXT, 20), '10.3.0.12:6379');
    assert.equal(netns.text(row, CONTEXT, 20), '5');
    names.learnRemote('10.3.0.12', 'redis-1.example');
    names.learnNetns(Object.assign(handshake({ netns: 5 }), { netnsName: 'blue' }));
    assert.equal(remote.text(row, CONTEXT, 20), 'redis-1.example:6379');
    assert.equal(remote.value?.(row, CONTEXT), '10.3.0.12:6379');
    assert.equal(netns.text(row, CONTEXT, 20), 'blue');
    assert.equal(netns.value?.(row, CONTEXT), 5);
    assert.equal(groups.sections()[0]?.title, 'redis-1.example:6379  blue');
  });

  it('have their address with them where others have the same', () => {
    const names = new NameBook();
    names.learnRemote('10.0.0.1', 'web.example');
    assert.equal(names.remote('10.0.0.1'), 'web.example');
    names.learnRemote('10.0.0.2', 'web.example');
    assert.equal(names.remote('10.0.0.1'), 'web.example (10.0.0.1)');
    assert.equal(names.remote('10.0.0.2'), 'web.example (10.0.0.2)');
  });

  it('are bounded', () => {
    const names = new NameBook(2);
    for (const number of [1, 2, 3]) names.learnRemote(`10.0.0.${number}`, `name ${number}`);
    names.learnRemote('10.0.0.1', 'another name');
    assert.equal(names.remote('10.0.0.1'), 'another name');
    assert.equal(names.remote('10.0.0.3'), undefined);
  });

  it('parseEndpoint takes apart what formatEndpoint makes', () => {
    for (const [address, port] of [
      ['10.0.0.1', 443],
      ['2001:db8::1', 443],
      ['10.0.0.1', 0],
      ['::1', 0],
    ] as const)
      assert.deepEqual(parseEndpoint(formatEndpoint(address, port)), { address, port });
  });
});
