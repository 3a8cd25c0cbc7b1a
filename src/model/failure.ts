/** Exit codes of INTERFACE.md. */
export const EXIT = { ok: 0, failure: 1, usage: 2, unsupported: 69, notPermitted: 77 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/**
 * A failure that the user can understand: what happened, why, and what to do, a line each.
 * `details` (a verifier log, say) is printed only with DEBUG=tcpscope:*.
 */
export class Failure extends Error {
  constructor(
    readonly exitCode: ExitCode,
    readonly what: string,
    readonly why: string,
    readonly advice: string,
    readonly details = '',
  ) {
    super(what);
    this.name = 'Failure';
  }
}
