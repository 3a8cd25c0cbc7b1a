import { addon } from './addon.js';

/** BTF_KIND_ numbers. */
const KINDS = {
  int: 1,
  struct: 4,
  union: 5,
  enum: 6,
  typedef: 8,
  func: 12,
  enum64: 19,
} as const;

export type BtfKind = keyof typeof KINDS;

/**
 * What the running kernel has, by its own BTF. Read at the first question and kept until close(). All but available() throw
 * a BpfError if the kernel offers no BTF.
 */
export const kernelBtf = {
  /** Whether the kernel offers BTF. */
  available(): boolean {
    return addon.kernelBtf.available();
  },

  /** Whether a type or function of this name exists; a tracepoint NAME is the typedef 'btf_trace_NAME'. */
  hasType(name: string, kind?: BtfKind): boolean {
    return addon.kernelBtf.hasType(name, kind === undefined ? 0 : KINDS[kind]);
  },

  /** Whether a struct or union exists and has this field, itself or in an anonymous member. */
  hasField(struct: string, field: string): boolean {
    return addon.kernelBtf.hasField(struct, field);
  },

  /** Names and values of an enum; {} if there is no enum of this name. */
  enumValues(name: string): Record<string, number> {
    return addon.kernelBtf.enumValues(name);
  },

  /**
   * How many parameters a function, or the function that a typedef points to, has; undefined if there is none. For a
   * tracepoint's typedef 'btf_trace_NAME' the first is the tracer's own, so a tp_btf program has one argument less.
   */
  parameterCount(name: string): number | undefined {
    const count = addon.kernelBtf.parameterCount(name);
    return count < 0 ? undefined : count;
  },

  /** Releases the memory; a later question reads BTF again. */
  close(): void {
    addon.kernelBtf.close();
  },
};
