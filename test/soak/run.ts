/**
 * `npm run soak`: the commands at once, for minutes, under traffic that comes and goes. Memory and descriptors stay flat, nothing is
 * lost, what was seen is what the traffic and the kernel's counters say, and nothing stays behind.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Churn, type Traffic } from './churn.js';
import { modes, type Mode } from './modes.js';
import { processesNamed, stillLoaded } from './process.js';
import { report, type ToolResult } from './report.js';
import { complaints, drift, growths, unequal } from './rules.js';
import { WatchedTool } from './watched-tool.js';
import { Witness, type Hidden } from './witness.js';

const USAGE = `usage: npm run soak -- [options]
  --minutes N     how long (20); the first half is warm-up, and a trend of a few minutes says little
  --interval S    seconds between samples (5)
  --rate N        connections a second, at the most (5000)
  --remotes N     different remote addresses (2000)
  --mode TEXT     only commands whose words contain this: "connlat", "--json", "retrans --by"
  --own           no command sees other traffic than the soak's, so that others may use the machine; nothing is
                  compared with the counters of all namespaces then
  --heap          also the live heap, which takes a garbage collection every 5 s in each command
  --json FILE     write the figures, with all samples, to FILE as well
`;

/** The kernel frees a program some RCU grace periods after its last descriptor. */
const PATIENCE = { tries: 100, ms: 100 };

const options = readArguments();
/** Of the processes that make the traffic: the kernel keeps 15 characters. */
const comm = `soak-${process.pid}`;
// 'exit' listeners end tools, traffic and namespaces; a signal alone would not run them.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

try {
  process.exitCode = (await soak()) ? 0 : 1;
} catch (error) {
  process.stderr.write(`\nsoak: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

/** True if all conditions are met. */
async function soak(): Promise<boolean> {
  const load = loadavg()[0]!;
  const witness = await Witness.start();
  const tools: WatchedTool[] = [];
  for (const mode of options.modes) tools.push(await WatchedTool.start(mode, comm, options.heap));
  const churn = new Churn({ name: comm, rate: options.rate, remotes: options.remotes });
  const minutes = await Promise.race([watch(tools, churn, witness), churn.failure()]);
  progress('');
  await churn.end();
  const summaries = await Promise.all(tools.map((tool) => tool.stop()));
  const hidden = await witness.end();
  const results = tools.map(({ name, samples, reader }, at): ToolResult => {
    const summary = summaries[at]!;
    return { tool: name, summary, rows: reader.rows, ours: reader.ours(summary), samples };
  });
  const { traffic } = churn;
  const unmet = [
    ...trafficConditions(traffic),
    ...tools.flatMap((tool, at) => toolConditions(tool, results[at]!, traffic, hidden)),
    ...(await leftBehind(tools)).map((what) => `left behind: ${what}`),
  ];
  const machine = {
    kernel: release(),
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    node: process.version,
    'load when it began': load.toFixed(2),
  };
  const result = { machine, minutes, traffic, hidden, tools: results, unmet };
  process.stdout.write(report(result));
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(result, null, 1)}\n`);
  return unmet.length === 0;
}

/** Takes samples until the time is over. Gives the minutes that it took. */
async function watch(tools: readonly WatchedTool[], churn: Churn, witness: Witness): Promise<number> {
  const begin = performance.now();
  const minutes = (): number => (performance.now() - begin) / 60_000;
  while (minutes() < options.minutes) {
    await sleep(options.intervalSeconds * 1000);
    witness.look();
    for (const tool of tools) tool.sample(minutes());
    const memory = tools.map(({ samples }) => samples.at(-1)!.rssMb.toFixed(0)).join(' ');
    const { attempts, namespaces } = churn.traffic;
    progress(`${minutes().toFixed(1)} min, ${attempts} attempts, ${namespaces} namespaces, RSS ${memory} MB`);
  }
  return minutes();
}

/** The traffic and the kernel count the same. */
function trafficConditions({ attempts, refused, kernel }: Traffic): string[] {
  return [
    ...unequal('traffic: attempts', attempts, 'ActiveOpens', kernel.activeOpens),
    ...unequal('traffic: refused', refused, 'AttemptFails', kernel.attemptFails),
    ...unequal('traffic: TCPSynRetrans', kernel.synRetrans, 'RetransSegs', kernel.retransSegs),
  ];
}

function toolConditions(
  { name, command, samples }: WatchedTool,
  { summary, rows, ours }: ToolResult,
  traffic: Traffic,
  hidden: Hidden,
): string[] {
  const { ok, refused, abandoned, kernel } = traffic;
  const { missed, unshown } = summary;
  const [expected, unseen] =
    command === 'connlat'
      ? [{ ok, refused, abandoned }, hidden.ends]
      : [{ syn: kernel.synRetrans }, hidden.retransmissions];
  const circumstances = { namespacesEnded: traffic.namespaces > 0, hidden: unseen };
  return [
    ...growths(name, samples),
    ...complaints(name, summary, circumstances),
    ...(rows === undefined
      ? []
      : unequal(`${name}: rows`, rows + unshown, 'the summary says', summary.count)),
    ...(ours ? drift(name, expected, ours, unseen + missed + (rows === undefined ? 0 : unshown)) : []),
  ];
}

/** What should have gone with the tools and the traffic. */
async function leftBehind(tools: readonly WatchedTool[]): Promise<string[]> {
  const found = (): string[] => [
    ...tools.flatMap(({ bpf }) => stillLoaded(bpf)),
    ...namespaces().map((name) => `network namespace ${name}`),
    ...processesNamed(comm).map((pid) => `process ${pid}`),
  ];
  for (let tries = 0; tries < PATIENCE.tries && found().length > 0; tries++) await sleep(PATIENCE.ms);
  return found();
}

function namespaces(): string[] {
  return readdirSync('/run/netns').filter((name) => name.startsWith(`tcpscope-${process.pid}-`));
}

/** One line on a terminal, over and over; a line each elsewhere. */
function progress(what: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${what}` : `${what}\n`);
}

interface Options {
  minutes: number;
  intervalSeconds: number;
  rate: number;
  remotes: number;
  modes: Mode[];
  heap: boolean;
  json: string | undefined;
}

function readArguments(): Options {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '20' },
        interval: { type: 'string', default: '5' },
        rate: { type: 'string', default: '5000' },
        remotes: { type: 'string', default: '2000' },
        mode: { type: 'string', default: '' },
        own: { type: 'boolean', default: false },
        heap: { type: 'boolean', default: false },
        json: { type: 'string' },
      },
    });
    for (const name of ['minutes', 'interval', 'rate', 'remotes'] as const)
      if (!/^[1-9]\d*$/.test(values[name])) throw new Error(`--${name} takes a number from 1.`);
    const wanted = modes(`soak-${process.pid}`, values.own).filter(({ command, flags }) =>
      [command, ...flags].join(' ').includes(values.mode),
    );
    if (wanted.length === 0) throw new Error(`--mode ${values.mode}: no command has these words.`);
    return {
      minutes: Number(values.minutes),
      intervalSeconds: Number(values.interval),
      rate: Number(values.rate),
      remotes: Number(values.remotes),
      modes: wanted,
      heap: values.heap,
      json: values.json,
    };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(2);
  }
}
