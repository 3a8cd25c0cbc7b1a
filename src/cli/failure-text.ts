import type { Failure } from '../model/failure.js';

/** True with DEBUG=tcpscope:*, where a failure prints its details and its stack as well. */
export const DEBUG = /(^|,)(tcpscope(:\S*)?|\*)(,|$)/.test(process.env['DEBUG'] ?? '');

/** For standard error: a line what, a line why, a line what to do, and a line feed. */
export function failureText(failure: Failure): string {
  const lines = [`tcpscope: ${failure.what}`, failure.why, failure.advice].filter((line) => line !== '');
  if (DEBUG) lines.push(failure.details, failure.stack ?? '');
  return `${lines.join('\n')}\n`;
}
