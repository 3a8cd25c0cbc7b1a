import type { HistogramSection, HistogramSource } from '../model/histogram-section.js';
import type { SummaryFacts } from '../model/summary.js';
import { handshakeFacts, handshakeSection } from './handshake-report.js';
import { HandshakeStats, type HandshakeCounts } from './handshake-stats.js';

/** Handshakes that were counted in the kernel since the start: each reading replaces the one before it. */
export class KernelHandshakes implements HistogramSource {
  stats = new HandshakeStats();

  replace(counts: HandshakeCounts): void {
    this.stats = new HandshakeStats();
    this.stats.addCounts(counts);
  }

  sections(): HistogramSection[] {
    return [handshakeSection(this.stats)];
  }

  /** Owners are not looked at in the kernel, so none counts as unknown. */
  facts(): SummaryFacts {
    return handshakeFacts(this.stats, 0);
  }
}
