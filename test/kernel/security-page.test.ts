/** What SECURITY.md says of privileges, held against the program. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { remainderOf } from '#tcpscope/kernel/renounce.js';
import { Namespace, connect, listen } from '#tcpscope/lab/network.js';
import { ROOT, Tool } from './tool.js';

const PAGE = readFileSync(path.join(ROOT, 'SECURITY.md'), 'utf8');
/** Under another path, where every user may look for it. */
const SEEN = '/mnt';
const LOOKING = ['unshare', '-m', 'sh', '-c', `mount --bind '${ROOT}' ${SEEN}; exec "$@"`, 'sh'];
const PROGRAM = `${SEEN}/bin/run.js`;

/** Words of a documented line, which begins with this one. */
function documented(first: string): string[] {
  const line = new RegExp(`^${first} (?:[^\\n]*\\\\\\n)*[^\\n]*$`, 'm').exec(PAGE)?.[0] ?? '';
  return line.replaceAll('\\\n', ' ').split(/\s+/).filter(Boolean);
}

describe('SECURITY.md', function () {
  this.timeout(60_000);
  let host: Namespace;
  before(async () => {
    host = await Namespace.create('security');
    await listen(host, '127.0.0.1', 9000);
  });
  after(() => host.destroy());

  async function traces(tool: Tool): Promise<string> {
    await connect(host, '127.0.0.1', 9000, { count: 7 });
    const { code, stderr } = await tool.stop();
    assert.equal(code, 0, stderr);
    assert.equal(tool.rows().filter(({ netns }) => netns === host.inode).length, 7);
    return stderr;
  }

  it('lists what is kept', () => {
    const all = (1n << 41n) - 1n;
    const { capabilities } = remainderOf(all, true, { entersNamespaces: true, needsDockerSocket: false });
    const rows = [...PAGE.matchAll(/^\| (CAP_\w+) +\| kept/gm)].map(([, name]) => name);
    assert.deepEqual(rows, capabilities);
  });

  it('the line of setpriv traces with no more than it says', async () => {
    const words = documented('setpriv');
    assert.deepEqual(words.slice(-2), ['tcpscope', 'connlat']);
    const wrapper = [...LOOKING, ...words.slice(0, -2)];
    const tool = await Tool.start(['connlat', '--json'], { wrapper, program: PROGRAM });
    assert.match(await traces(tool), /agrees with the kernel/);
  });

  it('a copy of Node with the capabilities of setcap traces for its group, and nobody else may run it', async () => {
    const [setcap = '', capabilities = ''] = documented('setcap');
    const folder = mkdtempSync('/var/tmp/security-');
    chmodSync(folder, 0o755);
    const node = path.join(folder, 'tcpscope-node');
    try {
      copyFileSync(process.execPath, node);
      chownSync(node, 0, 4242);
      chmodSync(node, 0o750);
      execFileSync(setcap, [capabilities, node]);
      const as = (gid: number) => [...LOOKING, 'setpriv', '--reuid=1', `--regid=${gid}`, '--clear-groups'];
      // What Tool adds is the path of the usual Node: the copy runs in its place.
      const wrapper = [...as(4242), 'sh', '-c', 'copy=$0; shift; exec "$copy" "$@"', node];
      const tool = await Tool.start(['connlat', '--json', '--netns', String(host.inode)], {
        wrapper,
        program: PROGRAM,
      });
      await traces(tool);
      // setpriv itself still may execute anything: the shell that it becomes may not.
      const [command, ...rest] = [...as(1), 'sh', '-c', 'exec "$0" --version', node];
      assert.throws(() => execFileSync(command, rest, { stdio: 'pipe' }), /Permission denied/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('names only tests that are there', () => {
    const named = [...PAGE.matchAll(/test\/(?:kernel|native|record|unit)\/[\w-]+/g)].map(([name]) => name);
    assert.ok(named.length >= 7, String(named.length));
    for (const name of named) readFileSync(path.join(ROOT, `${name}.test.ts`));
  });
});
