/** The commands that trace, and what each loads when everything that it can show is asked for. */
import type { Filter } from '../events/shared.js';
import type { Hook } from '../model/hook.js';
import type { TracingCommand } from '../model/tracing-commands.js';
import { CONNECT_PROGRAMS, HANDSHAKE_HOOKS, handshakePrograms } from './handshakes.js';
import type { ProgramOptions } from './program.js';
import { RETRANSMIT_HOOKS, SAMPLING_HOOKS, retransmitPrograms } from './retransmits.js';

export interface Tracer {
  readonly hooks: readonly Hook[];
  programs(): ProgramOptions;
}

const NO_FILTER: Filter = {
  minLatencyNs: 0,
  onlyIpv4: false,
  onlyIpv6: false,
  cgroups: [],
  pids: [],
  comms: [],
  uids: [],
  netns: [],
  remotePorts: [],
  excludedRemotePorts: [],
  localPorts: [],
  remoteAddresses: [],
  excludedRemoteAddresses: [],
  localAddresses: [],
};

const COMMON = { filter: NO_FILTER, transport: 'auto', meetings: true, audit: false } as const;

function connlatPrograms(syncErrors: boolean): ProgramOptions {
  return handshakePrograms({ ...COMMON, syncErrors, pendingNs: 1e9 });
}

/** A command that is missing here does not compile. */
export const TRACERS: Readonly<Record<TracingCommand, Tracer>> = {
  connlat: { hooks: HANDSHAKE_HOOKS, programs: () => connlatPrograms(false) },
  retrans: {
    hooks: [...RETRANSMIT_HOOKS, ...SAMPLING_HOOKS],
    programs: () => retransmitPrograms({ ...COMMON, kinds: [], states: [], sampleNs: 1e9 }),
  },
};

/** What connlat --sync-errors attaches beside the rest. */
export function syncErrorPrograms(): ProgramOptions {
  return { ...connlatPrograms(true), attach: CONNECT_PROGRAMS, iterators: [] };
}
