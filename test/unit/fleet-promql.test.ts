/** Expressions of `fleet`, and the values of its flags that they are made of. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toAccess } from '#tcpscope/cli/fleet-access.js';
import { axesOf, parseLimits, toQuestion } from '#tcpscope/cli/fleet-flags.js';
import { increaseOf, quantileOf, selectorText } from '#tcpscope/fleet/promql.js';

const QUESTION = {
  by: ['source_region', 'region'],
  matchers: [],
  rangeS: 3600,
  atS: 1_767_628_800,
  recorded: false,
};
const FLAGS = { range: '1h', at: 'now', recorded: false };
const NOW_MS = 1_767_628_800_123.9;
const SERVER = { prometheus: 'http://127.0.0.1:9090', timeout: '30s' };

describe('expressions of fleet', () => {
  it('add up the buckets of all hosts before they take a quantile', () => {
    assert.equal(
      quantileOf(0.99, QUESTION),
      'histogram_quantile(0.99, sum by (le, source_region, region) (increase(tcpscope_tcp_handshake_duration_seconds_bucket[3600s])))',
    );
  });

  it('add up growth and not totals', () => {
    const matchers = [{ label: 'external', values: ['no'] }];
    assert.equal(
      increaseOf('x_total', { ...QUESTION, by: ['role'], matchers, rangeS: 1.5 }, 'type!="syn"'),
      'sum by (role) (increase(x_total{external="no",type!="syn"}[1500ms]))',
    );
  });

  it('may be of what is recorded, whose samples are a minute apart', () => {
    assert.equal(
      increaseOf('tcpscope_x_total', { ...QUESTION, by: ['role'], recorded: true }),
      'sum by (role) (60 * sum_over_time(tcpscope:x:rate5m[3599s]))',
    );
  });

  it('take one value as it is, and of several any', () => {
    const text = (...values: string[]): string => selectorText([{ label: 'region', values }]);
    assert.equal(selectorText([]), '');
    assert.equal(text('eu.west'), '{region="eu.west"}');
    assert.equal(text('eu.west', 'us|east'), String.raw`{region=~"eu\\.west|us\\|east"}`);
  });

  it('let no value out of its string', () => {
    const text = selectorText([{ label: 'region', values: ['a"} or vector(1) #\\\n'] }]);
    assert.equal(text, String.raw`{region="a\"} or vector(1) #\\\n"}`);
  });

  it('match each text alone where it is a regular expression', () => {
    const odd = String.raw`a.b\c+d*e?f(g)h|i[j]k{l}m^n$o`;
    const [, literal = ''] = /=~(".*")}$/.exec(selectorText([{ label: 'x', values: [odd, 'z'] }])) ?? [];
    const expression = new RegExp(`^(?:${JSON.parse(literal) as string})$`);
    assert.match(odd, expression);
    assert.doesNotMatch(odd.replace('.', 'X'), expression);
  });
});

describe('flags of fleet', () => {
  it('ask of region by region for the last hour', () => {
    assert.deepEqual(toQuestion(FLAGS, NOW_MS), { ...QUESTION, atS: 1_767_628_800.123 });
  });

  it('are matchers of labels', () => {
    const { matchers } = toQuestion(
      {
        ...FLAGS,
        namespace: ['shop', 'web'],
        region: ['eu'],
        'source-region': ['us'],
        external: 'no',
        match: ['cluster=a', 'instance=b=1', 'cluster=c'],
      },
      NOW_MS,
    );
    assert.deepEqual(
      matchers.map(({ label, values }) => [label, ...values]),
      [
        ['source_namespace', 'shop', 'web'],
        ['region', 'eu'],
        ['source_region', 'us'],
        ['external', 'no'],
        ['cluster', 'a', 'c'],
        ['instance', 'b=1'],
      ],
    );
  });

  it('take times and labels in every form that they say', () => {
    const at = (text: string): number => toQuestion({ ...FLAGS, at: text }, NOW_MS).atS;
    assert.equal(at('2026-01-05T16:00:00Z'), QUESTION.atS);
    assert.equal(at('2026-01-05T17:00:00+01:00'), QUESTION.atS);
    assert.equal(at('1767628800'), QUESTION.atS);
    assert.equal(toQuestion({ ...FLAGS, range: '2d' }, NOW_MS).rangeS, 172_800);
    assert.deepEqual(toQuestion({ ...FLAGS, by: ['source-namespace'] }, NOW_MS).by, ['source_namespace']);
  });

  it('are told what is wrong with them', () => {
    const wrong = (flags: object, told: RegExp): void => {
      assert.throws(
        () => toQuestion({ ...FLAGS, ...flags }, NOW_MS),
        (error) => error instanceof RangeError && told.test(error.message),
      );
    };
    wrong({ by: ['a b'] }, /^--by a b: not a label/);
    wrong({ by: ['le'] }, /^--by le: /);
    wrong({ range: '1 hour' }, /^--range: "1 hour" is not a duration/);
    wrong({ range: '10ms' }, /^--range 10ms: must be from 1 s/);
    wrong({ at: 'yesterday' }, /^--at yesterday: must be now/);
    wrong({ at: '2026-13-05' }, /^--at 2026-13-05/);
    wrong({ match: ['region'] }, /^--match region: must be LABEL=VALUE/);
    wrong({ region: [''] }, /^--region: the name is empty/);
    const question = toQuestion({ ...FLAGS, by: ['region'] }, NOW_MS);
    assert.throws(() => axesOf(question), /--by needs two labels/);
  });

  it('are limits in the unit of the metric', () => {
    assert.deepEqual(parseLimits('p99', {}), { warn: 4e6, crit: 5e6 });
    assert.deepEqual(parseLimits('p99', { warn: '30ms', crit: '1s' }), { warn: 30e6, crit: 1e9 });
    assert.deepEqual(parseLimits('drop-rate', { warn: '1e-5', crit: '0.5%' }), { warn: 1e-5, crit: 0.005 });
    assert.throws(() => parseLimits('p99', { warn: '6ms' }), /--warn is above --crit/);
    assert.throws(
      () => parseLimits('drop-rate', { crit: '5ms' }),
      /^RangeError: --crit 5ms: must be a share/,
    );
    assert.throws(() => parseLimits('p99', { crit: '0.1' }), /^RangeError: --crit: "0.1" is not a duration/);
  });
});

describe('access to the server of fleet', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'fleet-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const file = (content: string): string => {
    const name = path.join(folder, 'secret');
    writeFileSync(name, content);
    return name;
  };

  it('has secrets of files', () => {
    const basic = toAccess({ ...SERVER, user: 'ops', 'password-file': file('pa ss:ö\n') });
    const [, encoded = ''] = /^Basic (.+)$/.exec(basic.headers['authorization'] ?? '') ?? [];
    assert.equal(Buffer.from(encoded, 'base64').toString(), 'ops:pa ss:ö');
    const bearer = toAccess({ ...SERVER, 'bearer-token-file': file('abc.def') });
    assert.equal(bearer.headers['authorization'], 'Bearer abc.def');
  });

  it('has headers for tenants', () => {
    const { headers } = toAccess({ ...SERVER, header: ['X-Scope-OrgID: a', 'THANOS-TENANT:b '] });
    assert.deepEqual(headers, { 'x-scope-orgid': 'a', 'thanos-tenant': 'b' });
  });

  it('keeps the path of the URL, and drops what is no address', () => {
    assert.equal(toAccess({ ...SERVER, prometheus: 'https://h/p/?a=1#b' }).base.href, 'https://h/p/');
  });

  it('is refused with a line that names no secret', () => {
    const refused = (flags: object, told: RegExp): void => {
      assert.throws(
        () => toAccess({ ...SERVER, ...flags }),
        (error) =>
          error instanceof RangeError && told.test(error.message) && !error.message.includes('hunter2'),
      );
    };
    refused({ prometheus: 'http://ops:hunter2@h' }, /^--prometheus: the URL has a user or a password/);
    refused({ prometheus: 'h:9090' }, /^--prometheus h:: must be a URL/);
    refused(
      { header: ['Authorization: Bearer hunter2'] },
      /^--header Authorization: a secret belongs into a file/,
    );
    refused({ header: ['cookie: hunter2'] }, /a secret belongs into a file/);
    refused({ header: ['a: b\r\nc: d'] }, /^--header: must be NAME: VALUE/);
    refused({ header: ['nothing'] }, /^--header: must be NAME: VALUE/);
    refused({ user: 'o:ps', 'password-file': file('hunter2') }, /^--user: a name has no colon/);
    refused({ user: 'ops', 'password-file': file('hunter2\nhunter2\n') }, /must have one line/);
    refused({ 'bearer-token-file': file('hunter2 hunter2') }, /has what no token has/);
    refused({ 'bearer-token-file': path.join(folder, 'none') }, /none: cannot be read: ENOENT/);
    refused({ 'ca-file': file('hunter2') }, /has no certificate in PEM/);
    refused({ timeout: '0' }, /^--timeout 0: must be from 0.1 s/);
  });
});
