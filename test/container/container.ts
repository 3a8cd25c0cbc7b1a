/** Runs tcpscope in a container as docs/container.md says: by podman and runc, on a root folder that borrows this host's /usr. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT } from '../kernel/tool.js';

const DOCS = readFileSync(path.join(ROOT, 'docs/container.md'), 'utf8');
/** What the documented line runs: here it is this checkout instead. */
const PUBLISHED = ['node:20-slim', 'npx', '--yes', 'tcpscope'];
const PROJECT = '/opt/tcpscope';

/** runc without the limits that podman wants raised, which takes a capability that not every root has. */
const RUNC = `#!/bin/sh
previous=
for word; do
  [ "$previous" = --bundle ] && sed -i 's/"rlimits":\\[[^]]*\\]/"rlimits":[]/' "$word/config.json"
  previous=$word
done
exec runc "$@"
`;

/** Words between `docker run` and the image in the documented line, and those after the name of the program. */
export function documentedRun(): { flags: string[]; args: string[] } {
  const line = /```sh\n(docker run[^`]*)```/.exec(DOCS)?.[1] ?? '';
  const words = line.replaceAll('\\\n', ' ').split(/\s+/).filter(Boolean).slice(2);
  const image = words.indexOf(PUBLISHED[0]!);
  if (words.slice(image, image + PUBLISHED.length).join() !== PUBLISHED.join())
    throw new Error(`docs/container.md runs something else: ${words.join(' ')}`);
  // Nobody sits at the terminal of a test.
  const flags = words.slice(0, image).filter((word) => word !== '-it');
  return { flags, args: words.slice(image + PUBLISHED.length) };
}

/** The pod of the documentation, as YAML. */
export function documentedPod(): string {
  return /```yaml\n([^`]*)```/.exec(DOCS)?.[1] ?? '';
}

/** What is said where something is missing: by the words of the first column. */
export function documentedLacks(): Map<string, { code: number; line: string }> {
  const rows = DOCS.slice(DOCS.indexOf('## What is missing')).matchAll(
    /^\| (.+?) +\| (\d+) +\| (.+?) +\|$/gm,
  );
  return new Map([...rows].map(([, what, code, line]) => [what!, { code: Number(code), line: line! }]));
}

export class Containers {
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'containers-'));
  private readonly root = path.join(this.folder, 'root');
  readonly program = `${PROJECT}/bin/run.js`;
  /** Of the container, before anything is mounted. */
  readonly rootFolder = this.root;

  constructor() {
    for (const name of ['usr', 'proc', 'sys', 'dev', 'etc', 'run', 'tmp', 'host', 'opt/tcpscope'])
      mkdirSync(path.join(this.root, name), { recursive: true });
    for (const name of ['bin', 'lib', 'lib64', 'sbin'])
      symlinkSync(`usr/${name}`, path.join(this.root, name));
    for (const name of ['passwd', 'group']) copyFileSync(`/etc/${name}`, path.join(this.root, 'etc', name));
    writeFileSync(path.join(this.folder, 'runc'), RUNC);
    chmodSync(path.join(this.folder, 'runc'), 0o755);
    chmodSync(this.folder, 0o755);
  }

  private podman(...words: string[]): string[] {
    const stores = ['--root', path.join(this.folder, 'store'), '--runroot', path.join(this.folder, 'state')];
    const engine = [
      '--events-backend=none',
      '--cgroup-manager=cgroupfs',
      '--runtime',
      path.join(this.folder, 'runc'),
    ];
    return ['podman', ...stores, ...engine, ...words];
  }

  /** What to put before a command to run it in a container with these flags. */
  wrapper(flags: readonly string[]): string[] {
    const borrowed = [...['-v', '/usr:/usr:ro'], ...['-v', `${ROOT}:${PROJECT}:ro`]];
    const node = process.execPath.startsWith('/usr/')
      ? []
      : ['-v', `${process.execPath}:${process.execPath}:ro`];
    // A network would leave a bridge and rules of a firewall on this host.
    return this.podman('run', '--network=none', ...flags, ...borrowed, ...node, '--rootfs', this.root);
  }

  remove(): void {
    // Storage of podman is mounted.
    const [podman = '', ...words] = this.podman('system', 'reset', '--force');
    try {
      execFileSync(podman, words, { stdio: 'ignore' });
    } catch {
      // Whatever it made is below the folder.
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
