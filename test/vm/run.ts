/** The suite on other kernels: `npm run test:vm`. See CONTRIBUTING.md. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { quote, runInGuest } from './guest.js';
import { ARCHITECTURES, KERNELS, type Architecture, type Kernel } from './kernels.js';
import { fetchKernel } from './packages.js';
import { prepare, type Bootable } from './prepare.js';
import { HOST_ONLY, type TestResult } from './result.js';

const USAGE = `usage: npm run test:vm [-- [options] [KERNEL...]]
  KERNEL              ${KERNELS.map(({ name }) => name).join(', ')}; by default all that the architecture tells of
  --arch NAME         ${ARCHITECTURES.map(({ name, kernels }) => `${name} (${kernels.join(', ')})`).join(', ')}
  --grep TEXT         only tests whose title contains it
  --files PATTERN     only files of build/test that match, such as 'kernel/outcomes.test.js'
  --command COMMAND   run this in the guest instead of tests
  --jobs N            guests at once, each of which keeps a CPU busy (2)
`;

const ROOT = path.resolve(import.meta.dirname, '../../..');

/** How much longer tests may take in a guest. */
const SLOWDOWN = 10;
/** What fails in an emulated machine that has to share its CPU is tried again, and told; what fails three times has failed. */
const RETRIES = 2;
/** A guest that takes longer hangs; with a CPU of its own it takes half of that. */
const LIMIT_MS = 40 * 60_000;
/** Loaded into every Node. */
const INTERPRET = path.join(ROOT, 'test/vm/interpret.cjs');

interface Options {
  architecture: Architecture;
  kernels: readonly Kernel[];
  grep: string | undefined;
  files: readonly string[];
  command: string | undefined;
  jobs: number;
}

interface Outcome {
  results: readonly TestResult[];
  /** What went wrong beside the tests. */
  trouble: string;
}

function readArguments(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      arch: { type: 'string', default: ARCHITECTURES[0]!.name },
      grep: { type: 'string' },
      files: { type: 'string' },
      command: { type: 'string' },
      jobs: { type: 'string', default: '2' },
    },
  });
  const unknown = positionals.find((each) => !KERNELS.some(({ name }) => name === each));
  if (unknown !== undefined) throw new RangeError(`no kernel ${unknown}`);
  const architecture = ARCHITECTURES.find(({ name }) => name === values.arch);
  if (architecture === undefined) throw new RangeError(`no architecture ${values.arch}`);
  const wanted = positionals.length === 0 ? architecture.kernels : positionals;
  const jobs = Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < 1)
    throw new RangeError(`--jobs ${values.jobs}: not a number of guests`);
  return {
    architecture,
    kernels: KERNELS.filter(({ name }) => wanted.includes(name)),
    grep: values.grep,
    files: values.files === undefined ? architecture.files : [values.files],
    command: values.command,
    jobs,
  };
}

/** Mocha in the guest, and then kind_of() beside the kernel's functions. */
function suite({ grep, files }: Options): string {
  const patterns = files.map((file) => quote(`build/test/${file}`));
  const mocha = [
    ...['node', 'node_modules/mocha/bin/mocha.js', '--require', 'build/test/slowdown.js'],
    ...['--reporter', 'build/test/vm/reporter.js', '--timeout', String(SLOWDOWN * 60_000)],
    ...['--retries', String(RETRIES)],
    ...(grep === undefined ? [] : ['--fgrep', quote(grep)]),
  ];
  return [...mocha, ...patterns].join(' ');
}

async function runKernel(
  bootable: Bootable,
  kernel: Kernel,
  root: string,
  options: Options,
): Promise<Outcome> {
  const { architecture } = options;
  const results: TestResult[] = [];
  let rest = '';
  let errors = '';
  const { status, lastWords } = await runInGuest(bootable, architecture, {
    command: options.command ?? suite(options),
    folder: ROOT,
    root,
    environment: {
      TCPSCOPE_GUEST: kernel.name,
      TCPSCOPE_EXPECT: kernel.has.filter((feature) => !architecture.mayLack.includes(feature)).join(),
      TCPSCOPE_TEST_SLOWDOWN: String(SLOWDOWN),
      NODE_OPTIONS: `--require=${INTERPRET}`,
    },
    timeoutMs: LIMIT_MS,
    onOutput: (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) takeLine(line, kernel, results);
    },
    onError: (text) => {
      errors += text;
      if (options.command !== undefined) process.stderr.write(text);
    },
  });
  const failed = results.filter(({ state }) => state === 'failed').length;
  if (status === undefined)
    return { results, trouble: `the guest ended before the tests did:\n${lastWords}${errors}` };
  // Mocha's status is the number of failures.
  return { results, trouble: status === 0 || failed > 0 ? '' : `exit status ${status}\n${errors}` };
}

/** A result, or what else a command prints. */
function takeLine(line: string, { name }: Kernel, results: TestResult[]): void {
  if (!line.startsWith('{"title":')) {
    process.stdout.write(`${name}  ${line}\n`);
    return;
  }
  const result = JSON.parse(line) as TestResult;
  results.push(result);
  const mark = { passed: 'ok  ', failed: 'FAIL', skipped: 'skip' }[result.state];
  const seconds = (result.durationMs / 1000).toFixed(1).padStart(6);
  process.stdout.write(`${name.padEnd(5)} ${mark} ${seconds} s  ${result.title}\n`);
  // At once as well, for whoever waits.
  if (result.state === 'failed') process.stdout.write(`${indent(result.text)}\n`);
}

const indent = (text: string): string => text.trimEnd().replaceAll(/^/gm, '    ');

const count = (results: readonly TestResult[], state: TestResult['state']): number =>
  results.filter((result) => result.state === state).length;

const sums = (results: readonly TestResult[]): string =>
  (['passed', 'failed', 'skipped'] as const).map((state) => `${count(results, state)} ${state}`).join(', ');

/** What failed and why; what was skipped, but for what never runs in a guest. */
function report({ name }: Kernel, { results, trouble }: Outcome, seconds: number): void {
  console.log(`\nLinux ${name}: ${sums(results)} in ${(seconds / 60).toFixed(1)} min`);
  for (const { title, text, state } of results) {
    if (state === 'failed') console.log(`  FAIL ${title}\n${indent(text)}`);
    if (state === 'skipped' && text !== HOST_ONLY) console.log(`  skipped: ${title}: ${text}`);
  }
  if (trouble !== '') console.log(`  ${indent(trouble).trimStart()}`);
}

/** Builds what the other architecture needs of us, and gives the root of a system of it. */
function foreignRoot({ name }: Architecture): string {
  execFileSync('scripts/prebuild', { cwd: ROOT, stdio: 'inherit' });
  const root = execFileSync(`test/vm/${name}-root`, { cwd: ROOT, encoding: 'utf8' });
  return root.trim();
}

async function main(options: Options): Promise<boolean> {
  const { architecture } = options;
  const root = architecture.hostRoot ? '/' : foreignRoot(architecture);
  // In a guest they would be compiled again by an emulated CPU.
  for (const folder of ['test/vm', 'test/native/fixtures'])
    execFileSync(
      'make',
      ['--no-print-directory', '-s', '-C', folder, `MACHINE=${architecture.machineName}`],
      {
        cwd: ROOT,
        stdio: 'inherit',
      },
    );
  const bootables = new Map(
    options.kernels.map((kernel) => [kernel, prepare(fetchKernel(kernel, architecture), architecture, root)]),
  );
  const outcomes: Outcome[] = [];
  const waiting = [...options.kernels];
  const worker = async (): Promise<void> => {
    for (let kernel = waiting.shift(); kernel; kernel = waiting.shift()) {
      const began = performance.now();
      const outcome = await runKernel(bootables.get(kernel)!, kernel, root, options);
      report(kernel, outcome, (performance.now() - began) / 1000);
      outcomes.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, worker));
  console.log(`\n${sums(outcomes.flatMap(({ results }) => results))}`);
  return outcomes.every(({ results, trouble }) => count(results, 'failed') === 0 && trouble === '');
}

// What runs is ended at 'exit', which does not come where a signal ends this.
for (const [signal, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }))
  process.on(signal, () => process.exit(128 + number));

let options: Options;
try {
  options = readArguments();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n${USAGE}`);
  process.exit(2);
}
process.exitCode = (await main(options)) ? 0 : 1;
