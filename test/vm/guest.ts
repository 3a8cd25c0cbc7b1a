/** A command in a guest: another kernel, and the host's files, which it cannot change. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { clockParameters } from './clock.js';
import type { Architecture } from './kernels.js';
import { archive, type Bootable } from './prepare.js';

const HERE = path.resolve(import.meta.dirname, '../../../test/vm');
const VIRTIOFSD = '/usr/lib/qemu/virtiofsd';
const MEMORY = '2048M';
const PORTS = ['out', 'err', 'status'] as const;
type Port = (typeof PORTS)[number];
const LOOK_MS = 20;
/** Of what the kernel said last, if the guest ends before the command. */
const LAST_WORDS = 4000;

export interface Command {
  /** For bash. */
  command: string;
  folder: string;
  environment: Record<string, string>;
  timeoutMs: number;
  /** The root of the guest's files: `/` where the architecture is the host's own. In others it also sees what it needs of `/`. */
  root: string;
  /** Called with pieces of what the command prints. */
  onOutput: (text: string) => void;
  onError: (text: string) => void;
}

/** `status` is undefined where the guest ended before the command did: `lastWords` has the kernel's messages. */
export interface GuestResult {
  status: number | undefined;
  lastWords: string;
}

export async function runInGuest(
  bootable: Bootable,
  architecture: Architecture,
  command: Command,
): Promise<GuestResult> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tcpscope-guest-'));
  const children: ChildProcess[] = [];
  const cleanUp = (): void => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.on('exit', cleanUp);
  let status = '';
  const take: Record<Port, (text: string) => void> = {
    out: command.onOutput,
    err: command.onError,
    status: (text) => (status += text),
  };
  const ports = await Promise.all(
    PORTS.map((port) => PortReader.listen(path.join(folder, port), take[port])),
  );
  try {
    const more = command.root === '/' ? [] : [bootable.folder, command.folder];
    children.push(await shareFiles(command.root, more, folder));
    const initramfs = path.join(folder, 'initramfs');
    writeFileSync(
      initramfs,
      Buffer.concat([readFileSync(bootable.initramfs), order(bootable, command, folder)]),
    );
    const qemu = spawn(architecture.qemu, qemuArguments(bootable, architecture, folder), {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    children.push(qemu);
    const timer = setTimeout(() => qemu.kill('SIGKILL'), command.timeoutMs);
    await once(qemu, 'close');
    clearTimeout(timer);
    await Promise.all(ports.map(({ ended }) => ended));
    const console = path.join(folder, 'console');
    const lastWords = existsSync(console) ? readFileSync(console, 'utf8').slice(-LAST_WORDS) : '';
    return { status: status === '' ? undefined : Number(status), lastWords };
  } finally {
    for (const port of ports) port.close();
    cleanUp();
    process.off('exit', cleanUp);
  }
}

/** What a guest writes to one of its ports. */
class PortReader {
  readonly #server: Server = createServer();
  /** Resolves when all that was written is read; at once where QEMU never came. */
  ended: Promise<unknown> = Promise.resolve();

  static async listen(file: string, take: (text: string) => void): Promise<PortReader> {
    const port = new PortReader();
    port.#server.once('connection', (socket) => {
      port.ended = once(socket.setEncoding('utf8').on('data', take), 'close');
    });
    port.#server.listen(file);
    await once(port.#server, 'listening');
    return port;
  }

  close(): void {
    this.#server.close();
  }
}

/**
 * virtiofsd of Debian 12 cannot be told to be read-only, so it sees the files through mounts that are.
 * ROOT FOLDER MORE...
 */
const SHARE = `exec >"$2/virtiofsd.log" 2>&1
show() { mount --rbind "$1" "$2" && mount -o remount,bind,ro "$2"; }
set -e
mount --make-rprivate /
root=$1 folder=$2 files=$2/files; shift 2
for more; do mkdir -p "$root$more"; done
show "$root" "$files"
for more; do show "$more" "$files$more"; done
exec ${VIRTIOFSD} --socket-path="$folder/virtiofs" -o source="$files" -o sandbox=chroot -o cache=always`;

async function shareFiles(root: string, more: readonly string[], folder: string): Promise<ChildProcess> {
  mkdirSync(path.join(folder, 'files'));
  const log = path.join(folder, 'virtiofsd.log');
  const words = ['-m', 'bash', '-c', SHARE, 'bash', root, folder, ...more];
  const daemon = spawn('unshare', words, { stdio: 'ignore' });
  while (!existsSync(path.join(folder, 'virtiofs'))) {
    if (daemon.exitCode !== null) throw new Error(`virtiofsd has ended: ${readFileSync(log, 'utf8')}`);
    await pause(LOOK_MS);
  }
  return daemon;
}

/** What the guest is to do, as one more archive of its first file system. */
function order({ folder: kernel, version }: Bootable, command: Command, folder: string): Uint8Array {
  const guest = path.join(folder, 'order/guest');
  mkdirSync(guest, { recursive: true });
  const variables = {
    VERSION: version,
    MODULES: path.join(kernel, 'lib/modules', version),
    FOLDER: command.folder,
    PATH: `${path.dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
  };
  const lines = [
    ...Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`),
    ...Object.entries(command.environment).map(([name, value]) => `export ${name}=${quote(value)}`),
  ];
  writeFileSync(path.join(guest, 'environment'), `${lines.join('\n')}\n`);
  writeFileSync(path.join(guest, 'command'), `${command.command}\n`);
  copyFileSync(path.join(HERE, 'session.sh'), path.join(guest, 'session.sh'));
  return archive(path.join(folder, 'order'));
}

/** A word for the shell. */
export const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

function qemuArguments({ kernel }: Bootable, architecture: Architecture, folder: string): string[] {
  const { threads, processors, clock, machine, console, kernelParameters } = architecture;
  const parameters = [
    `console=${console} quiet loglevel=3 panic=-1 mitigations=off nokaslr random.trust_cpu=on`,
    'cryptomgr.notests audit=0 selinux=0 apparmor=0',
    ...kernelParameters,
    ...clockParameters(architecture),
  ];
  return [
    ...['-accel', `tcg,thread=${threads}`, ...machine, '-m', MEMORY, '-smp', String(processors)],
    ...(clock === 'instructions' ? ['-icount', 'shift=0'] : []),
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-kernel', kernel, '-initrd', path.join(folder, 'initramfs'), '-append', parameters.join(' ')],
    ...['-serial', `file:${path.join(folder, 'console')}`],
    ...['-object', `memory-backend-memfd,id=memory,size=${MEMORY},share=on`],
    ...['-numa', 'node,memdev=memory'],
    ...['-chardev', `socket,id=files,path=${path.join(folder, 'virtiofs')}`],
    ...['-device', 'vhost-user-fs-pci,chardev=files,tag=root'],
    ...['-device', 'virtio-serial-pci'],
    ...PORTS.flatMap((port) => [
      ...['-chardev', `socket,id=${port},path=${path.join(folder, port)}`],
      ...['-device', `virtserialport,chardev=${port},name=tcpscope.${port}`],
    ]),
  ];
}
