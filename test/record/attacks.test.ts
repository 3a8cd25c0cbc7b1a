/** Recording as root where another user has prepared the place. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { EXIT, Failure } from '#tcpscope/model/failure.js';
import { RecordingWriter } from '#tcpscope/record/writer.js';
import { facts, newFolder, NO_LOSSES } from './support.js';

/** Whoever prepares the place. */
const OTHER = 4321;

describe('recording where another user has prepared the place', () => {
  /** Like /tmp: everybody may make files there, and remove their own. */
  let shared: string;
  /** Belongs to root. */
  let precious: string;
  let all: string;
  let number = 0;
  before(() => {
    assert.equal(process.getuid?.(), 0, 'the tests run as root');
    all = realpathSync(newFolder());
    chmodSync(all, 0o755);
  });
  beforeEach(() => {
    const around = path.join(all, String(number++));
    mkdirSync(around);
    shared = path.join(around, 'shared');
    precious = path.join(around, 'precious');
    mkdirSync(shared);
    chmodSync(shared, 0o1777);
    mkdirSync(precious, { mode: 0o755 });
  });

  const theirs = (name: string, make: (at: string) => void): string => {
    const at = path.join(shared, name);
    make(at);
    lchownSync(at, OTHER, OTHER);
    return at;
  };

  async function create(at: string): Promise<void> {
    const writer = await RecordingWriter.create(at, facts);
    await writer.close({ losses: NO_LOSSES, endedNs: 0 });
  }

  async function refused(at: string, why: RegExp): Promise<void> {
    await assert.rejects(create(at), (error: unknown) => {
      assert.ok(error instanceof Failure, String(error));
      assert.equal(error.exitCode, EXIT.failure);
      assert.match(error.why, why);
      return true;
    });
    assert.deepEqual(readdirSync(precious), []);
  }

  it('a link in place of the file, to one that is there and to one that would be made', async () => {
    const own = path.join(shared, 'passwords');
    writeFileSync(own, 'mine');
    await refused(
      theirs('a', (at) => {
        symlinkSync(own, at);
      }),
      /a file of this name/,
    );
    assert.equal(readFileSync(own, 'utf8'), 'mine');
    await refused(
      theirs('b', (at) => {
        symlinkSync(path.join(precious, 'new'), at);
      }),
      /a file of this name/,
    );
  });

  it('a hard link to a file of root', async () => {
    const own = path.join(path.dirname(shared), 'own');
    writeFileSync(own, 'mine', { mode: 0o600 });
    const at = path.join(shared, 'c');
    linkSync(own, at);
    await refused(at, /a file of this name/);
    assert.equal(readFileSync(own, 'utf8'), 'mine');
    assert.equal(statSync(own).uid, 0);
  });

  it('a pipe, which would wait for its reader, and a device', async () => {
    await refused(
      theirs('pipe', (at) => execFileSync('mkfifo', [at])),
      /a file of this name/,
    );
    await refused(
      theirs('device', (at) => execFileSync('mknod', [at, 'c', '1', '3'])),
      /a file of this name/,
    );
  });

  it('a file that the other user keeps open to read it', async () => {
    const at = theirs('open', (file) => {
      writeFileSync(file, '');
    });
    await refused(at, /a file of this name/);
    assert.equal(readFileSync(at, 'utf8'), '');
  });

  it('a link in place of the folder, whether or not the kernel protects such folders', async () => {
    const link = theirs('folder', (at) => {
      symlinkSync(precious, at);
    });
    await refused(
      path.join(link, 'new'),
      /shared\/folder is a symbolic link that another user may have put there/,
    );
  });

  it('a link to a folder on the way to the folder', async () => {
    mkdirSync(path.join(path.dirname(shared), 'deep/precious'), { recursive: true });
    const link = theirs('way', (at) => {
      symlinkSync(path.join(path.dirname(shared), 'deep'), at);
    });
    await refused(path.join(link, 'precious/new'), /symbolic link/);
    await refused(`${link}/../precious/new`, /symbolic link/);
  });

  it('a link of root that the other user has in a folder of their own, or of everybody', async () => {
    const own = path.join(shared, 'own');
    mkdirSync(own);
    symlinkSync(precious, path.join(own, 'link'));
    chownSync(own, OTHER, OTHER);
    await refused(path.join(own, 'link/new'), /symbolic link/);
    const open = path.join(shared, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    symlinkSync(precious, path.join(open, 'link'));
    await refused(path.join(open, 'link/new'), /symbolic link/);
  });

  it('no such attack: folders of the other user, links of root and relative paths work as ever', async () => {
    const folder = theirs('theirs', (at) => {
      mkdirSync(at);
    });
    await create(path.join(folder, 'new'));
    assert.equal(lstatSync(path.join(folder, 'new')).mode & 0o777, 0o600);
    const link = path.join(path.dirname(shared), 'link');
    symlinkSync('precious', link);
    await create(path.join(link, 'new'));
    assert.ok(existsSync(path.join(precious, 'new')));
    const of = path.join(shared, 'of-root');
    symlinkSync(precious, of);
    await create(path.join(of, 'another'));
    assert.deepEqual(readdirSync(precious).sort(), ['another', 'new']);
    const before = process.cwd();
    process.chdir(precious);
    try {
      await create('here');
      await create('../shared/there');
    } finally {
      process.chdir(before);
    }
    assert.ok(existsSync(path.join(shared, 'there')) && existsSync(path.join(precious, 'here')));
  });

  it('a folder that becomes a link again and again, while a recording is begun', async function () {
    this.timeout(30_000);
    const own = theirs('own', (at) => {
      mkdirSync(at);
    });
    const swapping = spawn(
      'setpriv',
      [
        ...[`--reuid=${OTHER}`, `--regid=${OTHER}`, '--clear-groups', 'sh', '-c'],
        'cd "$0" && mkdir folder && ln -s "$1" link && echo ready && while :; do mv -T --exchange folder link 2>/dev/null || { mv folder f && mv link folder && mv folder link && mv f folder; }; done',
        own,
        precious,
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    await once(swapping.stdout, 'data');
    const outcomes = { made: 0, refused: 0 };
    for (let attempt = 0; attempt < 400; attempt++) {
      try {
        await create(path.join(own, 'folder', `new-${attempt}`));
        outcomes.made++;
      } catch (error) {
        assert.ok(error instanceof Failure, String(error));
        outcomes.refused++;
      }
      await setImmediate();
    }
    swapping.kill('SIGKILL');
    await once(swapping, 'close');
    assert.deepEqual(readdirSync(precious), [], JSON.stringify(outcomes));
    assert.ok(outcomes.made > 0 && outcomes.refused > 0, JSON.stringify(outcomes));
  });
});
