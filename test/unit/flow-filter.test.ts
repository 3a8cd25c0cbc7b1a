/** User-space filters: of recordings (flow-filter) and of what only user space knows (attribution-filter). */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseCidr } from '#tcpscope/cli/values.js';
import type { Workload } from '#tcpscope/model/attribution.js';
import {
  isEmptyFilter,
  wantsAttribution,
  type AttributionFilter,
} from '#tcpscope/model/attribution-filter.js';
import { flowTest, type FlowFilter } from '#tcpscope/model/flow-filter.js';
import { handshake } from './handshakes.js';

const ALL: FlowFilter = {
  onlyIpv4: false,
  onlyIpv6: false,
  pids: [],
  uids: [],
  netns: [],
  remotePorts: [],
  excludedRemotePorts: [],
  localPorts: [],
  comms: [],
  remoteAddresses: [],
  excludedRemoteAddresses: [],
  localAddresses: [],
};

const passes = (filter: Partial<FlowFilter>, difference: Parameters<typeof handshake>[0] = {}): boolean =>
  flowTest({ ...ALL, ...filter })(handshake(difference));

const cidr = (text: string) => parseCidr('--addr', text);

describe('the filter of recorded flows', () => {
  it('passes all if nothing is asked for', () => {
    assert.ok(passes({}));
  });

  it('decides by each of its lists', () => {
    assert.ok(passes({ pids: [1, 2817] }));
    assert.ok(!passes({ pids: [1] }));
    assert.ok(!passes({ pids: [2817] }, { pid: 0 }));
    assert.ok(passes({ comms: ['puma'] }));
    assert.ok(!passes({ comms: ['pum'] }));
    assert.ok(passes({ comms: ['a-very-long-name-of-a-process'] }, { comm: 'a-very-long-nam' }));
    assert.ok(!passes({ uids: [0] }));
    assert.ok(!passes({ netns: [1] }));
    assert.ok(!passes({ remotePorts: [443] }));
    assert.ok(!passes({ excludedRemotePorts: [6379] }));
    assert.ok(passes({ localPorts: [51_822] }));
  });

  it('tells the families apart, also where a network of all addresses is asked for', () => {
    assert.ok(passes({ onlyIpv4: true }));
    assert.ok(!passes({ onlyIpv6: true }));
    assert.ok(!passes({ remoteAddresses: [cidr('::/0')] }));
    assert.ok(passes({ remoteAddresses: [cidr('::/0')] }, { remoteAddress: '2001:db8::1' }));
    assert.ok(!passes({ remoteAddresses: [cidr('0.0.0.0/0')] }, { remoteAddress: '2001:db8::1' }));
  });

  it('finds an address in a network as arithmetic on its number does', () => {
    fc.assert(
      fc.property(
        fc.nat(0xffff_ffff),
        fc.nat(0xffff_ffff),
        fc.integer({ min: 0, max: 32 }),
        (network, address, length) => {
          const text = (value: number): string =>
            [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
          const size = 2 ** (32 - length);
          const expected = Math.floor(network / size) === Math.floor(address / size);
          const filter = { remoteAddresses: [cidr(`${text(network)}/${length}`)] };
          assert.equal(passes(filter, { remoteAddress: text(address) }), expected);
          const without = { excludedRemoteAddresses: filter.remoteAddresses };
          assert.equal(passes(without, { remoteAddress: text(address) }), !expected);
        },
      ),
    );
  });
});

const NONE: AttributionFilter = {
  cgroups: [],
  containers: [],
  pods: [],
  namespaces: [],
  units: [],
  regions: [],
  external: undefined,
};

const POD: Workload = {
  name: 'shop/web-7f9/app',
  cgroup: '/kubepods.slice/pod1/cri-containerd-0123456789abcdef.scope',
  containerId: '0123456789abcdef',
  container: 'app',
  pod: 'web-7f9',
  namespace: 'shop',
  unit: undefined,
};

const UNIT: Workload = {
  name: 'nginx.service',
  cgroup: '/system.slice/nginx.service',
  containerId: undefined,
  container: undefined,
  pod: undefined,
  namespace: undefined,
  unit: 'nginx.service',
};

describe('the filter by what user space knows', () => {
  const wants = (filter: Partial<AttributionFilter>, workload?: Workload, external?: boolean): boolean =>
    wantsAttribution(
      { ...NONE, ...filter },
      {
        ...handshake(),
        workload,
        remotePlace: external === undefined ? undefined : { region: 'eu', role: undefined, external },
      },
    );

  it('is empty only if nothing is asked for', () => {
    assert.ok(isEmptyFilter(NONE));
    assert.ok(!isEmptyFilter({ ...NONE, external: false }));
    assert.ok(!isEmptyFilter({ ...NONE, pods: ['a'] }));
    assert.ok(wants({}));
  });

  it('knows a container by each of its names, and by the first digits of its id', () => {
    for (const name of ['shop/web-7f9/app', 'app', '012345', '0123456789abcdef'])
      assert.ok(wants({ containers: [name] }, POD), name);
    for (const name of ['web-7f9', '01234', 'shop', '']) assert.ok(!wants({ containers: [name] }, POD), name);
    assert.ok(wants({ containers: ['nginx.service'] }, UNIT), 'as CONTAINER shows it');
  });

  it('knows pods, namespaces and units, these with or without .service', () => {
    assert.ok(wants({ pods: ['web-7f9'], namespaces: ['shop'] }, POD));
    assert.ok(!wants({ pods: ['web-7f9'], namespaces: ['other'] }, POD));
    assert.ok(wants({ units: ['nginx'] }, UNIT) && wants({ units: ['nginx.service'] }, UNIT));
    assert.ok(!wants({ units: ['ngin'] }, UNIT));
    assert.ok(!wants({ units: ['nginx'] }, POD));
  });

  it('takes a cgroup with all below it, and nothing beside it', () => {
    assert.ok(wants({ cgroups: ['/system.slice'] }, UNIT));
    assert.ok(wants({ cgroups: ['system.slice/nginx.service/'] }, UNIT));
    assert.ok(wants({ cgroups: ['/'] }, UNIT));
    assert.ok(!wants({ cgroups: ['/system.slice/nginx'] }, UNIT));
    assert.ok(!wants({ cgroups: ['/kubepods.slice'] }, UNIT));
  });

  it('takes what is not known for not wanted', () => {
    assert.ok(!wants({ external: true }) && !wants({ external: false }));
    assert.ok(wants({ external: true }, POD, true) && !wants({ external: false }, POD, true));
    assert.ok(wants({ regions: ['eu'] }, POD, false) && !wants({ regions: ['us'] }, POD, false));
    assert.ok(!wants({ regions: ['eu'] }) && !wants({ pods: ['web-7f9'] }));
  });
});
