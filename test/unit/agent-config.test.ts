import assert from 'node:assert/strict';
import { parseConfig } from '#tcpscope/attribute/config-parser.js';
import { ConfigError } from '#tcpscope/attribute/config.js';
import { DEFAULT_AGENT, type AgentConfig } from '#tcpscope/model/agent-config.js';

function agent(text: string): AgentConfig {
  const { agent: read } = parseConfig(`agent:\n${text.replaceAll(/^/gm, '  ')}\n`, 'f');
  assert.ok(read);
  return read;
}

/** Mistakes of a file as `LINE:COLUMN message`. */
function mistakes(text: string): string[] {
  try {
    parseConfig(text, 'f');
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.mistakes.map(({ line, column, message }) => `${line}:${column} ${message}`);
  }
  return assert.fail(`accepted: ${text}`);
}

describe('the section agent', () => {
  it('is undefined where the file has none, and the default where it says nothing', () => {
    assert.equal(parseConfig('', 'f').agent, undefined);
    assert.deepEqual(parseConfig('agent: {}', 'f').agent, DEFAULT_AGENT);
  });

  it('has each key', () => {
    assert.deepEqual(
      agent(`region: eu-west-1
source: container
interval: 30s
series: 500
remotes: 20
health: 0.0.0.0:9470
prometheus:
  listen: '[2001:db8::1]:9469'
  tls: {certificate: /etc/c.pem, key: /etc/k.pem}
  basic-auth: {user: prometheus, password-file: /etc/password}
otlp:
  endpoint: https://collector:4318/v1/metrics
  temporality: delta
  headers: {Api-Key: a secret, x-scope: "1"}
  ca: /etc/ca.pem
  timeout: 1500ms
dogstatsd:
  address: unix:///var/run/datadog/dsd.socket
  preset: network-monitor
  tags: [env:production]`),
      {
        region: 'eu-west-1',
        source: 'container',
        intervalMs: 30_000,
        maxSeries: 500,
        topRemotes: 20,
        health: { host: '0.0.0.0', port: 9470 },
        prometheus: {
          listen: { host: '2001:db8::1', port: 9469 },
          tls: { certificate: '/etc/c.pem', key: '/etc/k.pem' },
          basicAuth: { user: 'prometheus', passwordFile: '/etc/password' },
        },
        otlp: {
          endpoint: 'https://collector:4318/v1/metrics',
          temporality: 'delta',
          headers: { 'Api-Key': 'a secret', 'x-scope': '1' },
          ca: '/etc/ca.pem',
          timeoutMs: 1500,
        },
        dogstatsd: {
          address: { path: '/var/run/datadog/dsd.socket' },
          preset: 'network-monitor',
          tags: ['env:production'],
        },
      } satisfies AgentConfig,
    );
  });

  it('has /metrics where no other output is named, or where it is asked for', () => {
    assert.deepEqual(agent('interval: 1m').prometheus, DEFAULT_AGENT.prometheus);
    assert.equal(agent('otlp: {}').prometheus, undefined);
    assert.equal(agent('dogstatsd: {}').prometheus, undefined);
    assert.deepEqual(agent('dogstatsd: {}\nprometheus: {}').prometheus, DEFAULT_AGENT.prometheus);
  });

  it('has the usual places of collectors', () => {
    const { otlp, dogstatsd } = agent('otlp: {}\ndogstatsd: {}');
    assert.deepEqual(otlp, {
      endpoint: 'http://127.0.0.1:4318',
      temporality: 'cumulative',
      headers: {},
      ca: undefined,
      timeoutMs: 10_000,
    });
    assert.deepEqual(dogstatsd, {
      address: { host: '127.0.0.1', port: 8125 },
      preset: 'tcpscope',
      tags: [],
    });
  });

  it('takes a socket by its path alone, and by UDP', () => {
    assert.deepEqual(agent('dogstatsd: {address: /run/dsd}').dogstatsd?.address, { path: '/run/dsd' });
    assert.deepEqual(agent('dogstatsd: {address: "10.0.0.1:8125"}').dogstatsd?.address, {
      host: '10.0.0.1',
      port: 8125,
    });
  });

  const cases: [text: string, expected: RegExp][] = [
    ['agent: on', /^1:8 agent is no map; write agent: \{interval: 10s\}, or leave it out$/],
    ['agent:', /^1:7 agent is empty; write/],
    ['agents: {}', /^1:1 unknown key "agents"; nearest: agent;/],
    ['agent: {intervall: 10s}', /^1:9 unknown key "intervall"; nearest: interval; valid: region, source,/],
    ['agent: {interval: 10}', /^1:19 agent.interval: "10" is not a duration: write a number and a unit/],
    ['agent: {interval: 10ms}', /^1:19 agent.interval: 10.0 ms is out of range; from 1s to 1h$/],
    ['agent: {interval: [10s]}', /^1:19 agent.interval is no text; write interval: 10s, or leave it out$/],
    ['agent: {series: -1}', /^1:17 agent.series: "-1" is no whole number from 1 to 100000$/],
    [
      'agent: {source: pod}',
      /^1:17 agent.source: "pod" is unknown; valid: auto, namespace, container, unit$/,
    ],
    ['agent: {region: " a"}', /^1:17 agent.region: the name begins or ends with a space/],
    [
      'agent: {prometheus: {listen: 9469}}',
      /^1:30 agent.prometheus.listen: "9469" is no address with a port/,
    ],
    ['agent: {prometheus: {listen: ":9469"}}', /no address with a port/],
    ['agent: {prometheus: {listen: "[::g]:1"}}', /no address with a port/],
    ['agent: {health: "127.0.0.1:70000"}', /^1:17 agent.health: .* no address with a port/],
    [
      'agent:\n  prometheus:\n    tls: {certificate: /c}',
      /^3:5 agent.prometheus.tls has no key; write key: \/etc\/tcpscope\/tls.key$/,
    ],
    [
      'agent: {prometheus: {tls: {certificate: c, key: /k}}}',
      /^1:41 agent.prometheus.tls.certificate: "c" is no absolute path/,
    ],
    ['agent: {prometheus: {basic-auth: {user: "a:b", password-file: /p}}}', /user: "a:b" has a colon/],
    [
      'agent: {prometheus: {basic-auth: {user: a, password: b}}}',
      /unknown key "password"; nearest: password-file/,
    ],
    ['agent: {otlp: {endpoint: collector:4318}}', /^1:26 agent.otlp.endpoint: .* no URL of a collector/],
    ['agent: {otlp: {endpoint: "http://user:secret@collector"}}', /no URL of a collector/],
    ['agent: {otlp: {headers: {"a b": c}}}', /^1:26 agent.otlp.headers: "a b" is no name of an HTTP header/],
    [
      'agent: {otlp: {headers: {a: "é"}}}',
      /^1:29 agent.otlp.headers.a: the value of an HTTP header has visible/,
    ],
    ['agent: {otlp: {headers: {a: }}}', /^1:\d+ agent.otlp.headers.a is empty; write headers: /],
    ['agent: {otlp: {timeout: 1ms}}', /agent.otlp.timeout: 1.00 ms is out of range/],
    ['agent: {dogstatsd: {tags: env}}', /^1:27 agent.dogstatsd.tags is no list; write tags: /],
    ['agent: {dogstatsd: {tags: ["a b"]}}', /^1:28 agent.dogstatsd.tags: "a b" is no tag/],
    ['agent: {dogstatsd: {tags: [[a]]}}', /^1:28 agent.dogstatsd.tags takes text here/],
    ['agent: {dogstatsd: {preset: datadog}}', /"datadog" is unknown; valid: tcpscope, network-monitor$/],
    ['agent: &a {}\nroles: *a', /roles is an alias/],
  ];
  for (const [text, expected] of cases) {
    it(`refuses ${JSON.stringify(text)}, with its place and what would be right`, () => {
      const found = mistakes(text);
      assert.ok(
        found.some((each) => expected.test(each)),
        found.join('\n'),
      );
    });
  }

  it('does not tell the value of a header, which is a secret', () => {
    assert.doesNotMatch(mistakes('agent: {otlp: {headers: {a: "s3cr\\u00e9t"}}}').join('\n'), /s3cr/);
  });

  it('tells all its mistakes at once', () => {
    const found = mistakes(
      'agent: {interval: x, source: y, prometheus: {listen: z}}\nregions: {eu: [ten]}\ninternals: []',
    );
    assert.equal(found.length, 5, found.join('\n'));
  });
});
