/** Where in the kernel a command's programs run. */

/** One program that may be attached to a tracepoint. */
export interface HookProgram {
  readonly name: string;
  /** How many of the tracepoint's arguments it reads: it needs a kernel that has these. */
  readonly arguments: number;
  /** Which kernels have these: `Linux 6.17`; for people only. */
  readonly since?: string;
  /** What is not seen with it in place of the one before it; one sentence. */
  readonly without?: string;
}

export interface Hook {
  /** As the kernel names it; its BTF has the typedef `btf_trace_NAME`. */
  readonly tracepoint: string;
  /** The best first: the first whose arguments the kernel has is attached. */
  readonly programs: readonly HookProgram[];
  /** What is not shown where the kernel lacks the tracepoint; one sentence. Absent: the command needs it. */
  readonly without?: string;
  /** Which kernels have it: `Linux 5.19`; for people only. */
  readonly since?: string;
}

/**
 * The program to attach.
 * @param available arguments that the tracepoint has; undefined if there is no such tracepoint
 */
export function programFor({ programs }: Hook, available: number | undefined): HookProgram | undefined {
  return available === undefined ? undefined : programs.find((program) => program.arguments <= available);
}
