/** The command as a user runs it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const RUN = path.resolve(import.meta.dirname, '../../../bin/run.js');

describe('config check', () => {
  let folder = '';
  let file = '';
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tcpscope-check-'));
    file = path.join(folder, 'config.yaml');
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  function check(text: string, ...argv: string[]): { status: number | null; out: string; err: string } {
    writeFileSync(file, text);
    const { status, stdout, stderr } = spawnSync(process.execPath, [RUN, 'config', 'check', file, ...argv], {
      encoding: 'utf8',
      cwd: folder,
    });
    return { status, out: stdout, err: stderr };
  }

  const GOOD = 'regions: {eu: [10.0.0.0/8], us: [10.2.0.0/16]}\nroles: {数据库: [10.2.3.0/24]}\n';

  it('says what the file has and what each address becomes', () => {
    const { status, out, err } = check(GOOD, '10.2.3.4', '10.3.0.1', '2001:db8::1');
    assert.equal(err, '');
    assert.equal(status, 0);
    assert.deepEqual(out.replace(file, 'FILE').split('\n'), [
      'FILE: no mistakes',
      'regions   2 with 2 networks: eu (1), us (1)',
      'roles     1 with 1 network: 数据库 (1)',
      'internal  10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, ::1/128, fe80::/10 and 1 more (default)',
      '',
      'ADDRESS      REGION            ROLE                  SIDE',
      '10.2.3.4     us (10.2.0.0/16)  数据库 (10.2.3.0/24)  internal (10.0.0.0/8)',
      '10.3.0.1     eu (10.0.0.0/8)   -                     internal (10.0.0.0/8)',
      '2001:db8::1  -                 -                     external',
      '',
    ]);
  });

  it('says the same to a program', () => {
    const { status, out } = check(GOOD, '10.2.3.4', '--json');
    assert.equal(status, 0);
    const { internal, ...object } = JSON.parse(out) as Record<string, unknown>;
    assert.ok(Array.isArray(internal) && internal.length === 9);
    assert.deepEqual(object, {
      file,
      valid: true,
      regions: { eu: 1, us: 1 },
      roles: { 数据库: 1 },
      internal_is_default: true,
      external: [],
      agent: null,
      thresholds: null,
      addresses: [
        {
          address: '10.2.3.4',
          region: 'us',
          region_prefix: '10.2.0.0/16',
          role: '数据库',
          role_prefix: '10.2.3.0/24',
          external: false,
          external_prefix: '10.0.0.0/8',
        },
      ],
    });
  });

  it('says what health judges by', () => {
    const text = 'thresholds: {p99-internal: 2ms, failures: 5%, accept-overflows: 0}';
    const { status, out, err } = check(text);
    assert.equal(status, 0, err);
    assert.match(
      out,
      /^thresholds +syn-loss 0\.1%, failures 5%, p99-internal 2 ms, accept-overflows 0, min-attempts 100$/m,
    );
    const { thresholds } = JSON.parse(check(text, '--json').out) as { thresholds: Record<string, string> };
    assert.equal(thresholds['p99-internal'], '2 ms');
    assert.equal(thresholds['stall'], 'off');
  });

  it('says what the agent would do, without the secrets', () => {
    const text = [
      'agent:',
      '  interval: 30s',
      '  prometheus: {listen: "[::1]:9469"}',
      '  otlp: {endpoint: https://collector:4318, headers: {api-key: secret}}',
      '  dogstatsd: {address: unix:///run/dsd.socket}',
    ].join('\n');
    const { status, out, err } = check(text);
    assert.equal(status, 0, err);
    const line = out.split('\n').find((each) => each.startsWith('agent'));
    assert.equal(
      line,
      'agent     prometheus [::1]:9469, otlp https://collector:4318, dogstatsd /run/dsd.socket; every 30.0 s, up to 1,000 series',
    );
    const { out: json } = check(text, '--json');
    assert.doesNotMatch(json, /secret/);
    assert.deepEqual((JSON.parse(json) as Record<string, unknown>)['agent'], {
      region: null,
      source: 'auto',
      interval_ms: 30_000,
      series: 1000,
      remotes: 0,
      outputs: {
        prometheus: '[::1]:9469',
        otlp: 'https://collector:4318',
        dogstatsd: '/run/dsd.socket',
      },
    });
  });

  it('tells each mistake in a line that begins with file, line and column', () => {
    const { status, out, err } = check('region: {}\nroles:\n  db: [10.1.2.3/16, ten]\n');
    assert.equal(status, 2);
    assert.equal(out, '');
    const places = err.split('\n').filter((line) => line.startsWith(`${file}:`));
    assert.deepEqual(
      places.map((line) => line.slice(file.length).split(' ')[0]),
      [':1:1:', ':3:8:', ':3:21:'],
    );
    assert.match(err, /^tcpscope: The configuration .* has 3 mistakes\.\n/);
  });

  it('tells mistakes to a program as well', () => {
    const { status, out } = check('internal: [ten]', '--json');
    assert.equal(status, 2);
    const { mistakes, ...object } = JSON.parse(out) as { mistakes: Record<string, unknown>[] };
    assert.deepEqual(object, { file, valid: false, mistake_count: 1 });
    assert.equal(mistakes.length, 1);
    assert.equal(mistakes[0]?.['line'], 1);
    assert.equal(mistakes[0]['column'], 12);
    assert.match(String(mistakes[0]['message']), /"ten" is no network/);
  });

  it('refuses what is no address, and names the command as it is typed', () => {
    const { status, err } = check(GOOD, '10.2.3');
    assert.equal(status, 2);
    assert.match(err, /^tcpscope: "10\.2\.3" is no address; .*\nSee: tcpscope config check --help\n$/);
  });
});
