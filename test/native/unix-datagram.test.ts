import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { connectUnixDatagram } from '#bpf-native-bindings';

import { UnixReceiver } from './unix_receiver.js';
import { collectGarbage, failsWith, openDescriptors } from './support.js';

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

describe('a datagram socket of the file system', () => {
  let folder = '';
  let receiver: UnixReceiver | undefined;
  const at = (name: string): string => path.join(folder, name);

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'datagram-'));
  });
  afterEach(async () => {
    await receiver?.close();
    receiver = undefined;
    rmSync(folder, { recursive: true });
  });

  it('sends each datagram whole, and none twice', async () => {
    receiver = await UnixReceiver.open(at('socket'));
    const socket = connectUnixDatagram(at('socket'));
    const sent = ['', 'one', 'two\nlines', 'x'.repeat(8192), 'ä'];
    for (const each of sent) {
      assert.equal(socket.send(text(each)), 'sent');
      assert.equal(await receiver.next(), each);
    }
    socket.close();
  });

  it('says when the queue of the receiver is full, and sends again when it is not', async () => {
    receiver = await UnixReceiver.open(at('socket'), { stopped: true });
    const socket = connectUnixDatagram(at('socket'));
    let sent = 0;
    while (socket.send(text(`packet ${sent}`)) === 'sent') sent++;
    assert.ok(sent >= 1 && sent < 10_000, `${sent} fit`);
    receiver.go();
    for (let i = 0; i < sent; i++) assert.equal(await receiver.next(), `packet ${i}`);
    assert.equal(socket.send(text('after')), 'sent');
    assert.equal(await receiver.next(), 'after');
    socket.close();
  });

  it('says that the receiver has gone', async () => {
    receiver = await UnixReceiver.open(at('socket'));
    const socket = connectUnixDatagram(at('socket'));
    await receiver.close();
    for (let i = 0; i < 3; i++)
      failsWith({ operation: 'send', code: ['ECONNREFUSED', 'ENOTCONN'] }, () => socket.send(text('x')));
    failsWith({ operation: 'connect', code: 'ECONNREFUSED', message: /socket/ }, () =>
      connectUnixDatagram(at('socket')),
    );
    socket.close();
  });

  it('says why there is nobody', async () => {
    failsWith({ operation: 'connect', code: 'ENOENT' }, () => connectUnixDatagram(at('none')));
    writeFileSync(at('file'), '');
    failsWith({ operation: 'connect', code: 'ECONNREFUSED' }, () => connectUnixDatagram(at('file')));
    const stream = net.createServer().listen(at('stream'));
    await new Promise((resolve) => stream.once('listening', resolve));
    failsWith({ operation: 'connect', code: 'EPROTOTYPE' }, () => connectUnixDatagram(at('stream')));
    await new Promise((resolve) => stream.close(resolve));
  });

  it('says that it may not', async () => {
    receiver = await UnixReceiver.open(at('socket'));
    chmodSync(at('socket'), 0o600);
    chmodSync(folder, 0o755);
    const library = new URL('../../../native/dist/index.js', import.meta.url);
    const script = `
      import { connectUnixDatagram } from ${JSON.stringify(library.href)};
      process.setgid(65534);
      process.setuid(65534);
      try { connectUnixDatagram(${JSON.stringify(at('socket'))}); } catch (error) { console.log(error.code); }`;
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    assert.equal(said, 'EACCES\n');
  });

  it('refuses what is no path', () => {
    for (const wrong of ['', 'x'.repeat(108), 'a\0b'])
      failsWith({ operation: 'connect', code: 'EINVAL', message: /1 to 107 bytes/ }, () =>
        connectUnixDatagram(wrong),
      );
    for (const wrong of [undefined, null, 5, {}])
      assert.throws(() => connectUnixDatagram(wrong as never), TypeError);
  });

  it('refuses a datagram that is longer than its buffer, and wrong arguments', async () => {
    receiver = await UnixReceiver.open(at('socket'));
    const socket = connectUnixDatagram(at('socket'));
    failsWith({ operation: 'send', code: 'EMSGSIZE' }, () => socket.send(new Uint8Array(16 << 20)));
    for (const wrong of [undefined, null, 'text', new Uint16Array(2)])
      assert.throws(() => socket.send(wrong as never), TypeError);
    assert.equal(socket.send(text('still works')), 'sent');
    assert.equal(await receiver.next(), 'still works');
    socket.close();
  });

  it('is not usable after close, and closes twice', async () => {
    receiver = await UnixReceiver.open(at('socket'));
    const socket = connectUnixDatagram(at('socket'));
    socket.close();
    socket.close();
    failsWith({ operation: 'send', code: 'CLOSED', message: /is closed$/ }, () => socket.send(text('x')));
  });

  it('leaves no descriptor: after close, after garbage collection, after a failure', async () => {
    receiver = await UnixReceiver.open(at('socket'));
    await collectGarbage();
    const before = openDescriptors();
    for (let i = 0; i < 20; i++) {
      connectUnixDatagram(at('socket')).close();
      connectUnixDatagram(at('socket'));
      failsWith({ code: 'ENOENT' }, () => connectUnixDatagram(at('none')));
    }
    assert.ok(openDescriptors() > before);
    await collectGarbage();
    assert.equal(openDescriptors(), before);
  });

  it('is not inherited, and does not block', async () => {
    receiver = await UnixReceiver.open(at('socket'));
    const known = new Set(readdirSync('/proc/self/fd').map(linkOf));
    const socket = connectUnixDatagram(at('socket'));
    const descriptor = readdirSync('/proc/self/fd').find(
      (each) => linkOf(each).startsWith('socket:') && !known.has(linkOf(each)),
    );
    assert.ok(descriptor !== undefined);
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1];
    const [CLOEXEC, NONBLOCK] = [0o2000000, 0o4000];
    assert.equal(parseInt(flags ?? '', 8) & (CLOEXEC | NONBLOCK), CLOEXEC | NONBLOCK);
    socket.close();
  });
});

function linkOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return ''; // that of the listing itself
  }
}
