/** Each example runs as it is written, and prints what it says; live ones on traffic of a laboratory, for a second. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DEMOS, type Demo } from '#tcpscope/lab/demo.js';
import { Network, SERVER, listen, startConnect } from '#tcpscope/lab/network.js';
import { ROOT } from '../cli/program.js';
import { writeBlocks } from '../host/fleet-data.js';
import { newFolder, PrometheusServer } from '../host/prometheus.js';
import { TestCgroups } from '../kernel/cgroup.js';
import { allExamples, type Example } from './examples.js';

const PORT = 6379;
const CLOSED_PORT = 9;
/** One way: a handshake takes longer than the 100 ms of an example. */
const DELAY_US = 60_000;
const GAP_US = 100_000;
const MANY = 100_000;
const HOUR_S = 3600;

const RECORDINGS = ['monday', 'tuesday', 'before', 'after', 'web-1', 'web-2', 'db-1', 'incident'];
const SLICE = `tcpscope${process.pid}.slice`;
/**
 * Folders of the system become folders of the test, a service that need not be here one that the test makes, and the place where a
 * debug container has the host is that of the host itself. The Prometheus of the test has scraped for an hour, and has no recording rules.
 */
const SUBSTITUTES: readonly (readonly [RegExp, string])[] = [
  [/(?<=[ >])\/(?=etc\/|usr\/)/g, './'],
  [/--host-root \/host\b/g, '--host-root /'],
  [/(?<=--at )2026-\S+/g, 'now'],
  [/--recorded\b/g, ''],
  [/\/system\.slice\/puma\.service/g, `/${SLICE}/puma.service`],
];
/** The program as a user has it, but that whatever traces ends after a second, and the agent once it measures. */
const TCPSCOPE = `#!/bin/bash
words=()
while (($#)); do
  if [[ $1 == --duration ]]; then shift 2; else words+=("$1"); shift; fi
done
case \${words[0]} in connlat | retrans | demo | health) words+=(--duration 1s) ;; esac
if [[ \${words[0]} == agent && " \${words[*]} " != *' --check '* ]]; then
  ${process.execPath} ${ROOT}/bin/run.js "\${words[@]}" 2> >(tee agent.log >&2) &
  until grep -q Tracing agent.log || ! kill -0 $!; do sleep 0.1; done
  kill $!
  wait $!
  exit
fi
exec ${process.execPath} ${ROOT}/bin/run.js "\${words[@]}"
`;

const PLACES = /```\n(internal:[^]*?)```/.exec(readFileSync(path.join(ROOT, 'man/config.md'), 'utf8'))?.[1];

/** What the traffic is not: such a filter leaves nothing. */
const LEAVES_NOTHING =
  /--(exclude-addr|external|pod|container|cgroup|unit|kind|comm puma --min-latency 1s)\b/;

const examples = await allExamples();

describe('the examples of help, man pages and README.md', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(path.join(tmpdir(), 'tcpscope-examples-'));
  const cgroups = new TestCgroups();
  const ending: (() => Promise<unknown>)[] = [];
  let prometheus: PrometheusServer;

  before('traffic, recordings and files that the examples name', async () => {
    // The real npx, with the packed program, is tested in test/pack.
    const others = { sudo: '#!/bin/sh\nexec "$@"\n', npx: '#!/bin/sh\nexec "$@"\n' };
    for (const [name, text] of Object.entries({ tcpscope: TCPSCOPE, ...others })) {
      writeFileSync(path.join(folder, name), text);
      chmodSync(path.join(folder, name), 0o755);
    }
    cgroups.make(`${SLICE}/puma.service`);
    ending.push(await startLosses());
    ending.push(await startPuma());
    prometheus = await startPrometheus();
    ending.push(() => prometheus.stop());
    for (const name of ['before', 'after'])
      await run(`tcpscope connlat --record ${name}.tcpscope`, folder, folder);
  });
  after(async () => {
    await Promise.all(ending.map((end) => end()));
    cgroups.removeAll();
    rmSync(folder, { recursive: true });
  });

  it('are found, in each of these', () => {
    const count = (where: string): number => examples.filter((each) => each.where === where).length;
    assert.ok(count('connlat --help') >= 7 && count('man/retrans.md') >= 5 && count('README.md') >= 3);
    const scripts = examples.map(({ script }) => script);
    assert.ok(scripts.some((script) => /jq -r 'select\(.+\)\n.+\| @tsv' \|\n.+sort -rn$/.test(script)));
  });

  for (const [at, example] of examples.entries())
    it(`${example.where}: ${example.script.replaceAll('\n', ' ')}`, async () => {
      const own = path.join(folder, String(at));
      furnish(own, folder);
      const servers = [/(?<=--prometheus )\S+/g, prometheus.url] as const;
      const script = [...SUBSTITUTES, servers].reduce(
        (text, [from, to]) => text.replaceAll(from, to),
        example.script,
      );
      const { code, stdout, stderr } = await run(script, own, folder);
      assert.equal(code, 0, stderr);
      assert.doesNotMatch(stderr, /^tcpscope: /m);
      assertForm(example, stdout, stderr);
    });
});

/** Programs whose SYNs and segments get lost. */
async function startLosses(): Promise<() => Promise<void>> {
  const demo: Demo = await DEMOS.retrans.start();
  return () => demo.destroy();
}

/** puma, which connects again and again, to a port that is open and to one that is not. */
async function startPuma(): Promise<() => Promise<void>> {
  const network = await Network.create({ name: 'puma', delayUs: DELAY_US });
  await listen(network.server, SERVER.ipv4, PORT, { close: true });
  for (const port of [PORT, CLOSED_PORT])
    startConnect(network.client, SERVER.ipv4, port, { count: MANY, gapUs: GAP_US, name: 'puma' });
  return () => network.destroy();
}

/** One that has scraped a host for the last hour. */
async function startPrometheus(): Promise<PrometheusServer> {
  const folder = newFolder();
  const nowS = Math.floor(Date.now() / 1000);
  const labels = { instance: 'web-1', job: 'tcpscope', source_region: 'eu', region: 'eu', role: 'db' };
  const host = { labels: { ...labels, source_namespace: 'shop', external: 'no' }, latencies: [0.0004, 0.03] };
  writeBlocks(folder, [host], nowS - HOUR_S, nowS);
  return PrometheusServer.start('global: {}\n', { folder });
}

/** A folder, which is a home too, with all that examples name. */
function furnish(own: string, folder: string): void {
  for (const below of [
    ...[
      'etc/tcpscope',
      'etc/bash_completion.d',
      '.config/fish/completions',
      'usr/local/share/zsh/site-functions',
    ],
    'usr/local/share/bash-completion/completions',
  ])
    mkdirSync(path.join(own, below), { recursive: true });
  for (const file of ['places.yaml', 'config.yaml', 'etc/tcpscope/config.yaml'])
    writeFileSync(path.join(own, file), PLACES ?? '');
  writeFileSync(path.join(own, 'token'), 'secret\n');
  for (const name of RECORDINGS) {
    const from = ['before', 'monday'].includes(name) ? 'before' : 'after';
    copyFileSync(path.join(folder, `${from}.tcpscope`), path.join(own, `${name}.tcpscope`));
  }
}

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

async function run(script: string, own: string, bin: string): Promise<Ended> {
  // An example that records makes its file.
  for (const [, made = ''] of script.matchAll(/--record (\S+)/g))
    rmSync(path.join(own, made), { force: true });
  const env = { ...process.env, HOME: own, PATH: `${bin}:${process.env['PATH'] ?? ''}`, NO_COLOR: '1' };
  const options = { cwd: own, env, stdio: ['ignore', 'pipe', 'pipe'] as const, timeout: 50_000 };
  const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', script], {
    ...options,
    stdio: [...options.stdio],
  });
  const ended: Ended = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (ended.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (ended.stderr += text));
  [ended.code] = (await once(child, 'close')) as [number | null];
  return ended;
}

/** What must be printed, by what the example asks for. */
function assertForm({ script }: Example, stdout: string, stderr: string): void {
  const [, command = '', rest = ''] = /tcpscope (\w+)\b([^]*)$/.exec(script) ?? [];
  const isLive = ['connlat', 'retrans', 'demo', 'health'].includes(command);
  if (isLive) assert.match(stderr, /^(?:[\d,]+|no) (?:attempts?|retransmitted segments?)\b/m);
  if (script.includes('| jq') || script.includes('|\n')) return;
  if (command === 'completion') return;
  if (command === 'health') {
    assert.match(stdout, /^THIS HOST, last \d|^\{"time":/m);
    return;
  }
  if (command === 'fleet') {
    assert.match(stderr, /^\d+ (?:query|queries) in /m);
    return;
  }
  const lines = stdout.split('\n');
  if (command === 'config') assert.match(stdout, /10\.1\.0\.0\/16|frankfurt/);
  else if (command === 'agent') assert.match(stdout + stderr, /\b127\.0\.0\.1:9469\b/);
  else if (command === 'doctor') assert.match(stdout, /\d+ ok, .+ works? here\.$|^TIME /m);
  else if (command === 'diff') assert.match(stdout, /^before +before\.tcpscope|^before +monday\.tcpscope/);
  else if (script.includes('--record') && command === 'replay')
    assert.match(stderr, /recorded [\d,]+ events? in/);
  else if (!LEAVES_NOTHING.test(script)) {
    const by = /--by (\S+)/.exec(rest)?.[1]?.split(',') ?? [];
    const heads = by.map((key) => key.replaceAll('-', ' ').toUpperCase());
    if (script.includes('--hist')) assert.match(stdout, /p50/i);
    else if (script.includes('--heatmap')) assert.match(stdout, /\d+ (?:µs|ms|s)/);
    else
      for (const head of by.length > 0 ? heads : ['TIME'])
        assert.ok(lines.slice(0, 2).join().includes(head), stdout);
    assert.ok(lines.length > 2, stdout);
  }
}
