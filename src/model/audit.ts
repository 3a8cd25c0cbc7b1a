/** Readings of the kernel's own counters beside what was traced. */

/** One counter over all network namespaces of the host: what is known about its growth. */
export interface CounterGrowth {
  /** Between the readings inside the traced time. */
  atLeast: number;
  /** Between the readings around the traced time; the same on a host that was quiet at both ends. */
  atMost: number;
}

export interface AuditFacts {
  activeOpens: CounterGrowth;
  attemptFails: CounterGrowth;
  /** Attempts whose SYN left, in namespaces that could be read. */
  opens: number;
  /** Attempts that the kernel ended with an error, there too. */
  fails: number;
  /** Attempts in namespaces that could not be read, most often because they ended meanwhile. */
  elsewhere: number;
  /** Namespaces that were there at the start and not at the end. */
  namespacesGone: number;
  /** Events that did not arrive, for whatever counted reason. */
  unseen: number;
}
