/** Readings of the kernel's own counters beside what was traced. */

/** One counter over all network namespaces of the host: what is known about its growth. */
export interface CounterGrowth {
  /** Between the readings inside the traced time. */
  atLeast: number;
  /** Between the readings around the traced time; the same on a host that was quiet at both ends. */
  atMost: number;
}

/** What may explain a difference. */
export interface AuditCircumstances {
  /** Seen in namespaces that could not be read, most often because they ended meanwhile. */
  elsewhere: number;
  /** Namespaces that were there at the start and not at the end. */
  namespacesGone: number;
  /** Events that did not arrive, for whatever counted reason. */
  unseen: number;
}

export interface HandshakeAudit extends AuditCircumstances {
  activeOpens: CounterGrowth;
  attemptFails: CounterGrowth;
  /** Attempts whose SYN left, in namespaces that could be read. */
  opens: number;
  /** Attempts that the kernel ended with an error, there too. */
  fails: number;
}

export interface RetransmitAudit extends AuditCircumstances {
  /** RetransSegs, without those that could not leave. */
  retransSegs: CounterGrowth;
  /** TCPRetransFail: those that could not. */
  failed: number;
  /** Segments that left again, in namespaces that could be read. */
  segments: number;
}
