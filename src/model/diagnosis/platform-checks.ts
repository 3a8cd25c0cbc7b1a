/** The system, Node and the addon: without these nothing else can be tried. */
import { ok, unsupported, warning, type Check } from './check.js';
import type { Facts, ProcessFacts } from './facts.js';

const BUILT_FOR = ['x64', 'arm64'];
const LEAST_NODE = 20;
/** What works everywhere. */
const ELSEWHERE = 'replay, diff and config check work here.';

export function platformChecks({ process, kernel }: Facts, commands: readonly string[]): Check[] {
  return [
    kernelCheck(process, commands),
    architectureCheck(process, commands),
    nodeCheck(process, commands),
    ...(process.platform === 'linux' ? [addonCheck(process, kernel, commands)] : []),
  ];
}

function kernelCheck({ platform, kernel }: ProcessFacts, commands: readonly string[]): Check {
  if (platform === 'linux') return ok('kernel', `Linux ${kernel}`, commands);
  return unsupported('kernel', `${platform} ${kernel}, not Linux`, commands, {
    means: 'What is measured is measured inside the Linux kernel.',
    mend: `Run it on the Linux host whose connections you want to see; ${ELSEWHERE}`,
  });
}

function architectureCheck({ arch }: ProcessFacts, commands: readonly string[]): Check {
  if (BUILT_FOR.includes(arch)) return ok('architecture', arch, commands);
  return unsupported('architecture', arch, commands, {
    means: `The addon is built for ${BUILT_FOR.join(' and ')}.`,
    mend: `Record on a host that has one of these; ${ELSEWHERE}`,
  });
}

function nodeCheck({ node, libc }: ProcessFacts, commands: readonly string[]): Check {
  const { name = 'unknown C library', version } = libc;
  const found = [node, version === undefined ? name : `${name} ${version}`].join(', ');
  const major = Number(/^v?(\d+)/.exec(node)?.[1]);
  if (major >= LEAST_NODE) return ok('node', found, commands);
  return warning('node', found, commands, {
    means: `tcpscope is tested with Node ${LEAST_NODE} and newer.`,
    mend: `Install Node ${LEAST_NODE} or newer.`,
  });
}

function addonCheck(process: ProcessFacts, kernel: Facts['kernel'], commands: readonly string[]): Check {
  if (!('failure' in kernel)) return ok('addon', `loaded, libbpf ${kernel.libbpf}`, commands);
  const isMusl = process.libc.name === 'musl';
  return unsupported('addon', isMusl ? 'does not load: musl' : 'does not work', commands, {
    means: isMusl
      ? 'The addon is built for glibc, and this Node is linked with musl (Alpine).'
      : `Nothing can be traced: ${kernel.failure}`,
    mend: isMusl
      ? `Use a Node that is linked with glibc, such as the image node:22-slim in place of node:22-alpine; ${ELSEWHERE}`
      : `Install tcpscope again on this very system (glibc 2.28 or newer, ${BUILT_FOR.join(' or ')}); ${ELSEWHERE}`,
  });
}
