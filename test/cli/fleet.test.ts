/** `fleet` and servers that are slow, wrong, closed or malicious. What it makes of right answers, test/host/fleet.test.ts has. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onHost } from '../features.js';
import { answer, FakeServer, fleet, tcpscope, vector, type Answering, type Ended } from './fleet-server.js';

const EU = { source_region: 'eu', region: 'us' };
const SECRET = 'hunter2';

/** Every metric is 50, every quantile 2 ms. */
const always: Answering = ({ form }, response) => {
  const value = form.get('query')?.startsWith('histogram_quantile') ? '0.002' : '50';
  answer(response, vector([EU, value]));
};

/** Three lines that can be read, and nothing on standard output. */
function assertTold({ code, stdout, stderr }: Ended, expected: number, ...lines: RegExp[]): void {
  assert.equal(code, expected, stderr);
  assert.equal(stdout, '');
  const told = stderr.trimEnd().split('\n');
  assert.equal(told.length, 3, stderr);
  for (const [at, line] of lines.entries()) assert.match(told[at] ?? '', line);
  assert.doesNotMatch(stderr.replaceAll('\n', ''), /\p{Cc}/u);
  assert.ok(!stderr.includes(SECRET));
}

// No kernel changes what a client of HTTP does.
onHost.describe('tcpscope fleet and its server', () => {
  let folder = '';
  let servers: FakeServer[] = [];
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'fleet-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  afterEach(async () => {
    for (const server of servers) await server.stop();
    servers = [];
  });
  const start = async (answering: Answering, tls?: { key: string; cert: string }): Promise<FakeServer> => {
    const server = await FakeServer.start(answering, tls);
    servers.push(server);
    return server;
  };
  const file = (name: string, content: string): string => {
    const place = path.join(folder, name);
    writeFileSync(place, content);
    return place;
  };
  const ask = (server: FakeServer, ...args: string[]): Promise<Ended> =>
    fleet('--prometheus', server.url, ...args);

  it('shows what it says, without an addon', async () => {
    const server = await start(always);
    const { code, stdout, stderr } = await ask(server, '--csv', '--at', '1767628800');
    assert.equal(code, 0, stderr);
    assert.deepEqual(stdout.split('\n'), [
      'time,source_region,region,attempts,fail,lost_syn,syn_loss_percent,p50_us,p95_us,p99_us,ratio_percent',
      '2026-01-05T16:00:00.000Z,eu,us,50,50,50,100,2000,2000,2000,100',
      '',
    ]);
    assert.match(
      stderr,
      /^8 queries in .*s: 8 series returned, the server does not say how many samples it read\n$/,
    );
    assert.equal(server.asked.length, 8);
    for (const { form } of server.asked) assert.equal(form.get('time'), '1767628800');
  });

  it('would be caught loading one', async () => {
    const { code, stderr } = await tcpscope('connlat', '--duration', '1s');
    assert.equal(code, 69);
    assert.match(stderr, /^a native addon is loaded$/m);
  });

  it('may be behind a path, and wants to know who asks', async () => {
    const server = await start(always);
    const { code, stderr } = await fleet(
      ...['--prometheus', `${server.url}/some/prometheus/`, '--heatmap'],
      ...[
        '--user',
        'ops',
        '--password-file',
        file('password', `${SECRET}\n`),
        '--header',
        'X-Scope-OrgID: a',
      ],
    );
    assert.equal(code, 0, stderr);
    assert.equal(server.asked.length, 2);
    for (const { path: asked, headers } of server.asked) {
      assert.equal(asked, '/some/prometheus/api/v1/query');
      assert.equal(headers['x-scope-orgid'], 'a');
      assert.equal(headers['authorization'], `Basic ${Buffer.from(`ops:${SECRET}`).toString('base64')}`);
    }
  });

  it('need not know the parameter stats', async () => {
    const server = await start((asked, response) => {
      if (!asked.form.has('stats')) always(asked, response);
      else
        answer(response, { status: 'error', errorType: 'bad_data', error: 'unknown parameter "stats"' }, 400);
    });
    const { code, stderr } = await ask(server);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^8 queries /);
  });

  it('may say how much it read, and that something is missing', async () => {
    const stats = { samples: { totalQueryableSamples: 1000 } };
    const server = await start((_asked, response) => {
      const { data } = vector([EU, '0.001']) as { data: object };
      const warnings = ['store \u001b[2J is down'];
      answer(response, { status: 'success', data: { ...data, stats }, warnings });
    });
    const { code, stderr } = await ask(server);
    assert.equal(code, 0, stderr);
    const [warning, cost] = stderr.split('\n');
    assert.match(warning ?? '', /^warning of the server: store \P{Cc}+ is down$/u);
    assert.match(cost ?? '', /: 8 series returned, 8,000 samples read by the server$/);
  });

  it('is not there', async () => {
    const server = await start(always);
    const { url } = server;
    await server.stop();
    servers = [];
    const told = await fleet('--prometheus', url);
    assertTold(told, 1, /^tcpscope: No answer from http:/, /ECONNREFUSED/, /^Check the URL/);
  });

  it('wants a login', async () => {
    const server = await start((_asked, response) => response.writeHead(401).end('no\u0007'));
    const token = file('token', SECRET);
    const told = await ask(server, '--bearer-token-file', token);
    assertTold(
      told,
      1,
      /^tcpscope: No answer from/,
      /HTTP status 401/,
      /--password-file, --bearer-token-file/,
    );
    assert.equal(server.asked[0]?.headers['authorization'], `Bearer ${SECRET}`);
  });

  it('has words of its own for what it refuses', async () => {
    const error = 'query processing would load too many samples into memory \u001b[31m';
    const server = await start((_asked, response) => {
      answer(response, { status: 'error', errorType: 'execution', error }, 422);
    });
    assertTold(
      await ask(server),
      1,
      /refuses the query/,
      /^execution: query processing would/,
      /shorter --range/,
    );
  });

  it('is something else', async () => {
    const page = await start((_asked, response) => response.end('<html>Grafana</html>'));
    assertTold(
      await ask(page),
      1,
      /^tcpscope: No answer/,
      /no answer of Prometheus/,
      /https:\/\/host\/prometheus/,
    );
    const other = await start((_asked, response) => {
      answer(response, { status: 'success', data: 7 });
    });
    assertTold(await ask(other), 1, /^tcpscope: No answer/, /it has no status and data/);
    const none = await start((_asked, response) => response.writeHead(404).end('<html>404</html>'));
    assertTold(await ask(none), 1, /^tcpscope: No answer/, /with HTTP status 404\.$/, /behind a path/);
    const busy = await start((_asked, response) => response.writeHead(503).end('overloaded'));
    assertTold(await ask(busy), 1, /^tcpscope: No answer/, /status 503: overloaded\.$/, /^Try again later/);
  });

  it('never answers', async () => {
    const server = await start(() => undefined);
    assertTold(await ask(server, '--timeout', '300ms'), 1, /No answer/, /within 300 ms/, /--timeout/);
    assert.equal(server.asked[0]?.form.get('timeout'), '300ms');
    const slow = await start((_asked, response) => response.write('{"status":'));
    assertTold(await ask(slow, '--timeout', '300ms'), 1, /No answer/, /no whole answer within 300 ms/);
  });

  it('may take its time for each of many answers', async () => {
    // Four at a time: the last begin when the first have ended, and end after more than the time-out.
    const server = await start((asked, response) => {
      setTimeout(() => {
        always(asked, response);
      }, 1000);
    });
    const { code, stderr } = await ask(server, '--timeout', '1900ms');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^8 queries in [2-9]\.\d s/);
  });

  it('breaks off', async () => {
    const server = await start((_asked, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('{"status":"success"', () => response.destroy());
    });
    assertTold(await ask(server), 1, /^tcpscope: No answer/);
  });

  it('never ends its answer', async () => {
    const chunk = Buffer.alloc(1 << 20, ' ');
    const more = (response: ServerResponse): void => {
      response.write(chunk, (error) => {
        if (!error) more(response);
      });
    };
    const server = await start((_asked, response) => {
      more(response);
    });
    assertTold(await ask(server), 1, /No answer/, /longer than 64 MiB/, /--by, or filters/);
  });

  it('redirects within its own host', async () => {
    const server = await start((asked, response) => {
      if (asked.path.startsWith('/new/')) always(asked, response);
      else response.writeHead(301, { location: `/new${asked.path}` }).end();
    });
    const { code, stderr } = await ask(server, '--bearer-token-file', file('token', SECRET));
    assert.equal(code, 0, stderr);
    const last = server.asked.findLast(({ path: asked }) => asked.startsWith('/new/'));
    assert.equal(last?.headers['authorization'], `Bearer ${SECRET}`);
  });

  it('redirects to another host, which learns nothing', async () => {
    const other = await start(always);
    const server = await start((_asked, response) =>
      response.writeHead(307, { location: `${other.url}/x` }).end(),
    );
    const told = await ask(server, '--bearer-token-file', file('token', SECRET));
    assertTold(
      told,
      1,
      /^tcpscope: No answer/,
      new RegExp(`redirects to ${other.url}, which is not followed`),
    );
    assert.deepEqual(other.asked, []);
  });

  it('redirects for ever', async () => {
    const server = await start(({ path: asked }, response) =>
      response.writeHead(308, { location: asked }).end(),
    );
    assertTold(await ask(server), 1, /No answer/, /redirects more than 5 times/);
  });

  it('has nothing that matches', async () => {
    const server = await start((_asked, response) => {
      answer(response, vector());
    });
    const told = await ask(server, '--region', 'a"\u001b', '--at', '1767628800');
    assertTold(told, 1, /No connection attempts in 1h until 2026-01-05 16:00:00Z/, /that match \{region="a/);
    assertTold(await ask(server, '--heatmap'), 1, /No connection attempts/);
  });

  it('has no such label, which is said', async () => {
    const server = await start(always);
    const { code, stderr } = await ask(server, '--by', 'region,rack');
    assert.equal(code, 0);
    assert.match(stderr, /^warning: no series has the label rack\n8 queries/);
  });

  it('is not asked what is wrong', async () => {
    const server = await start(always);
    const wrong: Readonly<Record<string, RegExp>> = {
      '--by le': /--by le/,
      '--columns p9': /--columns p9: unknown; nearest: p95_us/,
      '--sort latency': /--sort latency: unknown/,
      '--top 0': /--top 0: must be a whole number/,
      '--json --trend': /--trend is for people/,
      '--heatmap --by region': /--by needs two labels/,
      '--heatmap --sort p99': /--sort has no meaning for a heatmap/,
      '--heatmap --metric p50': /metric/,
      '--warn 4ms': /--warn needs --heatmap/,
      '--external maybe': /external/,
      '--user ops': /password-file/,
      '--bearer-token-file /nonexistent': /cannot be read: ENOENT/,
    };
    for (const [words, told] of Object.entries(wrong)) {
      const answered = await ask(server, ...words.split(' '));
      assert.equal(answered.code, 2, answered.stderr);
      assert.match(answered.stderr, told);
    }
    const { code, stderr } = await fleet();
    assert.deepEqual([code, /no server to ask/.test(stderr)], [2, true]);
    assert.deepEqual(server.asked, []);
  });

  it('has a certificate of an authority that only the user knows', async () => {
    const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const words = [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '1',
      '-keyout',
      key,
      '-out',
      cert,
    ];
    execFileSync('openssl', [...words, ...subject], { stdio: 'pipe' });
    const server = await start(always, { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') });
    assertTold(await ask(server), 1, /^tcpscope: No answer from https:/, /self-signed/, /--ca-file/);
    const { code, stderr } = await ask(server, '--ca-file', cert);
    assert.equal(code, 0, stderr);
    assert.equal(server.asked.length, 8);
  });
});
