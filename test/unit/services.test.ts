import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readServices, serviceName } from '#tcpscope/host/services.js';
import { parseServices, WELL_KNOWN_SERVICES } from '#tcpscope/model/services.js';

const FILE = `# Network services
ssh             22/tcp                          # SSH Remote Login Protocol
domain          53/tcp
domain          53/udp
snmp            161/udp
http            80/tcp          www             # WorldWideWeb HTTP
www-other       80/tcp
billing         6379/tcp
   indented\t7000/tcp
\u001b[31mred   7001/tcp
too-high        65536/tcp
zero            0/tcp
nothing
#commented      7002/tcp
`;

describe('names of ports', () => {
  it('are read from the form of services(5): TCP only, the first of a port', () => {
    assert.deepEqual(
      [...parseServices(FILE)],
      [
        [22, 'ssh'],
        [53, 'domain'],
        [80, 'http'],
        [6379, 'billing'],
        [7000, 'indented'],
      ],
    );
  });

  it('are those that people know their servers by', () => {
    const expected: [number, string][] = [
      [443, 'https'],
      [3306, 'mysql'],
      [5432, 'postgresql'],
      [6379, 'redis'],
      [9092, 'kafka'],
      [9200, 'elasticsearch'],
      [10_250, 'kubelet'],
      [27_017, 'mongodb'],
    ];
    for (const [port, name] of expected) assert.equal(WELL_KNOWN_SERVICES.get(port), name);
    for (const [port, name] of WELL_KNOWN_SERVICES)
      assert.deepEqual([...parseServices(`${name} ${port}/tcp`)], [[port, name]], 'a name as a file has it');
  });

  it('are the host’s over the well-known ones', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tcpscope-services-'));
    try {
      const file = path.join(folder, 'services');
      writeFileSync(file, FILE);
      const names = readServices(file);
      assert.equal(names.get(6379), 'billing');
      assert.equal(names.get(5432), 'postgresql');
      assert.equal(names.get(161), undefined);
      for (const unreadable of [folder, path.join(folder, 'missing'), '/dev/zero'])
        assert.equal(readServices(unreadable).get(6379), 'redis', unreadable);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('of this host are there without asking for a file', () => {
    assert.equal(serviceName(443), 'https');
  });
});
