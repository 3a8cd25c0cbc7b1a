/** Whether the native addon could be loaded into this Node.js; if not, what that means and what to do. */
import { machine } from 'node:os';
import { addonError, type AddonErrorReason } from '#bpf-native-bindings';
import { IS_STANDALONE } from '../assets/files.js';
import { EXIT, Failure } from '../model/failure.js';
import { sanitize } from '../model/units.js';

const REST = 'replay, diff and config check work here.';
/** Node's name of the 64-bit architecture, by the kernel's. */
const SIXTY_FOUR_BITS: Readonly<Record<string, string>> = { x86_64: 'x64', aarch64: 'arm64' };

/** @throws {Failure} if nothing can be traced by this process, whatever the kernel can do. */
export function requireAddon(): void {
  const failure = addonFailure();
  if (failure) throw failure;
}

/** Undefined where the addon works. */
export function addonFailure(): Failure | undefined {
  if (!addonError) return undefined;
  const { reason, message, cause } = addonError;
  const [what, why, advice] = explain(reason, sanitize(message));
  return new Failure(EXIT.unsupported, what, why, advice, cause instanceof Error ? cause.message : '');
}

function explain(reason: AddonErrorReason, message: string): [what: string, why: string, advice: string] {
  switch (reason) {
    case 'platform':
      return [`tcpscope cannot trace on ${process.platform}.`, `${message}.`, `Run it on Linux; ${REST}`];
    case 'architecture':
      return [
        `tcpscope cannot trace with a Node.js for ${process.arch}.`,
        'Its native addon is built for x64 and arm64 only.',
        architectureAdvice(),
      ];
    case 'libc':
      return [
        'tcpscope cannot trace with this Node.js, which uses musl, as in Alpine Linux.',
        'Its native addon needs glibc 2.28 or newer.',
        `Run it on the host itself, or in an image with glibc, such as node:20-slim; ${REST}`,
      ];
    case 'missing':
      return [
        'The native addon of tcpscope is missing.',
        `This installation is not complete: ${message}.`,
        `Install tcpscope again (in a checkout: npm run build); ${REST}`,
      ];
    case 'broken':
      return ['The native addon of tcpscope cannot be loaded.', message, brokenAdvice(message)];
  }
}

function architectureAdvice(): string {
  const better = SIXTY_FOUR_BITS[machine()];
  return better === undefined
    ? `Trace on another host, or build it here from the source with \`make -C native\`; ${REST}`
    : `This machine is 64-bit: use a Node.js for ${better}. ${REST}`;
}

/** What the dynamic linker complains of. */
function brokenAdvice(message: string): string {
  if (message.includes('failed to map segment'))
    return IS_STANDALONE
      ? `The folder for temporary files is mounted noexec: name another one in TMPDIR. ${REST}`
      : `Its folder is mounted noexec: install tcpscope elsewhere. ${REST}`;
  if (message.includes('GLIBC_')) return `Use a distribution with glibc 2.28 or newer; ${REST}`;
  return `Install tcpscope again (in a checkout: npm run build); ${REST}`;
}
