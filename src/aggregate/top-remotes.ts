const DEFAULT_LIMIT = 10_000;

/** The remote addresses that matter most, by attempts: more of the last minutes than of before. */
export class TopRemotes {
  private readonly weights = new Map<string, number>();
  private members: ReadonlySet<string> = new Set();

  constructor(
    private readonly count: number,
    private readonly limit = DEFAULT_LIMIT,
  ) {}

  add(address: string, attempts: number): void {
    this.weights.set(address, (this.weights.get(address) ?? 0) + attempts);
    if (this.weights.size > this.limit) this.age();
  }

  has(address: string): boolean {
    return this.members.has(address);
  }

  /** Chooses anew. What was counted before it counts half from now on. */
  choose(): void {
    const ordered = [...this.weights].toSorted(([, a], [, b]) => b - a);
    this.members = new Set(ordered.slice(0, this.count).map(([address]) => address));
    this.age();
  }

  private age(): void {
    for (const [address, weight] of this.weights)
      if (weight < 2) this.weights.delete(address);
      else this.weights.set(address, weight / 2);
  }
}
