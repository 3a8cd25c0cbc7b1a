/** Commands with programs of their own in the kernel. */
export const TRACING_COMMANDS = ['connlat', 'retrans'] as const;
export type TracingCommand = (typeof TRACING_COMMANDS)[number];

/** What each command that measures needs of these; all other commands work everywhere. */
export const NEEDS_OF: Readonly<Record<string, readonly TracingCommand[]>> = {
  connlat: ['connlat'],
  retrans: ['retrans'],
  health: TRACING_COMMANDS,
  agent: TRACING_COMMANDS,
};
