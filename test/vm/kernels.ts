/** Which kernels the suite runs on, and in what machine. Another kernel is another line: see CONTRIBUTING.md. */
import type { Feature } from '../features.js';

export interface Kernel {
  /** As `uname -r` begins. */
  name: string;
  /** The Debian suite that has it; a rolling suite has it for a time only. */
  suite: string;
  /** What it has, so that a test which is skipped for want of it fails. */
  has: readonly Feature[];
}

/** Debian's kernels all have these. */
const DEBIAN: readonly Feature[] = ['netem', 'fentry', 'kprobes'];

export const KERNELS: readonly Kernel[] = [
  { name: '5.10', suite: 'bullseye', has: DEBIAN },
  { name: '6.1', suite: 'bookworm', has: DEBIAN },
  { name: '6.12', suite: 'trixie', has: DEBIAN },
  { name: '7.2', suite: 'sid', has: [...DEBIAN, 'retransmit-errors'] },
];

export interface Architecture {
  /** Debian's name. */
  name: string;
  /** As `uname -m` prints it. */
  machineName: string;
  /** Its package depends on the newest kernel of the suite. Cloud flavours are small, and have all that tests need. */
  kernelPackage: string;
  qemu: string;
  machine: readonly string[];
  /** Whether virtual CPUs have a thread each, or one together. */
  threads: 'multi' | 'single';
  processors: number;
  /** What time is: the host's, or a nanosecond an instruction, so that it stands still while the guest has to wait for the host's CPU. */
  clock: 'host' | 'instructions';
  /** Where the kernel's messages go. */
  console: string;
  kernelParameters: readonly string[];
  /** Whether `vmlinuz` is a bzImage, out of which the kernel is unpacked to boot sooner. */
  bzImage: boolean;
  /** Whether guests have this machine's own files; otherwise those of test/vm/NAME-root. */
  hostRoot: boolean;
  /** Kernels to run on, unless others are asked for. */
  kernels: readonly string[];
  /** Tests to run, of build/test. */
  files: readonly string[];
  /** What kernels need not have there, whatever they have elsewhere. */
  mayLack: readonly Feature[];
}

const ALL_KERNELS = KERNELS.map(({ name }) => name);

/** Emulated: `la57` and `cx16` crashed overlayfs under Linux 6.12. */
const AMD64: Architecture = {
  name: 'amd64',
  machineName: 'x86_64',
  kernelPackage: 'linux-image-cloud-amd64',
  qemu: 'qemu-system-x86_64',
  machine: ['-M', 'q35', '-cpu', 'max,la57=off,cx16=off'],
  // With a thread each, 6.12 and 7.2 panic within seconds of programs being attached under traffic.
  threads: 'single',
  processors: 2,
  clock: 'host',
  console: 'ttyS0',
  kernelParameters: ['no_timer_check'],
  bzImage: true,
  hostRoot: true,
  kernels: ALL_KERNELS,
  files: ['native/*.test.js', 'vm/*.test.js', 'kernel/*.test.js'],
  mayLack: [],
};

/** A processor with the atomic instructions that BPF programs are translated to where there are some (LSE). */
const ARM64: Architecture = {
  name: 'arm64',
  machineName: 'aarch64',
  kernelPackage: 'linux-image-arm64',
  qemu: 'qemu-system-aarch64',
  machine: ['-M', 'virt,gic-version=3', '-cpu', 'cortex-a76'],
  threads: 'multi',
  processors: 2,
  clock: 'host',
  console: 'ttyAMA0',
  kernelParameters: [],
  bzImage: false,
  hostRoot: false,
  kernels: ['6.1'],
  // What depends on the processor, and the real program once for each kind of event.
  files: ['native/*.test.js', 'vm/truth.test.js', 'kernel/outcomes.test.js', 'kernel/retrans-kinds.test.js'],
  mayLack: ['fentry'], // arm64 has it from Linux 6.4 on
};

/** The first is the default. */
export const ARCHITECTURES: readonly Architecture[] = [AMD64, ARM64];
