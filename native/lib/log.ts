/** Lines of a log that are kept: the reason is at the end. */
const KEPT_LINES = 20;

/** A dump of types that some kernels refuse; libbpf then does without them. */
const TYPE_DUMP = /^.*-- BEGIN BTF LOAD LOG --[^]*?-- END BTF LOAD LOG --\n/gm;

/** Frames, statistics, echoes of what the error says already, and a guess that is wrong since Linux 5.11. */
const NOISE = [
  /^\s*$/,
  /-- (BEGIN|END) PROG LOAD LOG --$/,
  /^processed \d+ insns /,
  /^verification time /,
  /^stack depth /,
  /BTF is optional, ignoring/,
  /^permission error while running as root; try raising 'ulimit -l'/,
  /^failed to load (object|program) /,
  /^prog '.*': (failed to load|BPF program load failed|failed to prepare load attributes): /,
];

/**
 * The end of a log that tells why something failed.
 *
 * @param log lines of libbpf with the verifier's among them
 * @returns at most 20 lines, and how many were left out before them; '' if nothing is worth reading
 */
export function usefulEnd(log: string): string {
  const lines = usefulLines(log);
  const omitted = lines.length - KEPT_LINES;
  if (omitted <= 0) return lines.join('\n');
  return [`(${String(omitted)} lines omitted)`, ...lines.slice(omitted)].join('\n');
}

/**
 * Which part of an object libbpf could not load.
 *
 * @param log what libbpf logged while it loaded the object
 * @returns "program 'NAME'" or "map 'NAME'"; undefined if the log blames neither
 */
export function culprit(log: string): string | undefined {
  const program =
    /failed to load program '([^']+)'/.exec(log) ??
    /^libbpf: prog '([^']+)': .*(fail|error|can't)/m.exec(log);
  if (program?.[1] !== undefined) return `program '${program[1]}'`;
  const map = /^libbpf: map '([^']+)': .*(fail|error|can't)/m.exec(log);
  return map?.[1] === undefined ? undefined : `map '${map[1]}'`;
}

/** The verifier's own reason, the last line it wrote; undefined if the verifier was not reached. */
export function verdict(log: string): string | undefined {
  const ownLog = /-- BEGIN PROG LOAD LOG --\n([^]*)-- END PROG LOAD LOG --/.exec(log)?.[1];
  return ownLog === undefined ? undefined : usefulLines(ownLog).at(-1);
}

function usefulLines(log: string): string[] {
  return log
    .replace(TYPE_DUMP, '')
    .split('\n')
    .map((line) => line.replace(/^libbpf: /, '').trimEnd())
    .filter((line) => !NOISE.some((noise) => noise.test(line)));
}
