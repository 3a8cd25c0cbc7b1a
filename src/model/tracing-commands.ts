/** Commands that need the kernel; all others work everywhere. */
export const TRACING_COMMANDS = ['connlat', 'retrans'] as const;
export type TracingCommand = (typeof TRACING_COMMANDS)[number];
