/** Time of our programs in the kernel, since they were attached. */
export interface KernelCost {
  ns: number;
  /** How often they ran. */
  runs: number;
  /** False: one run in some is timed, and the rest is taken to be like it. */
  isExact: boolean;
}

/** What the tool itself has cost so far. */
export interface SelfCost {
  /** Since the process was started, ns. */
  uptimeNs: number;
  /** Time of the process on CPUs, user and system, ns. */
  cpuNs: number;
  /** Memory of the process, bytes. */
  rss: number;
  peakRss: number;
  /** Not part of `cpuNs`: programs run as part of what they watch. Undefined where nothing measures it. */
  kernel: KernelCost | undefined;
}
