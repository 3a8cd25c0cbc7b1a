import type { Flow } from './flow.js';

const DEFAULT_LIMIT = 65_536;

/** Names of what events have numbers for, as they become known: tables are written long after their events. */
export class NameBook {
  private readonly remotes = new Map<string, string>();
  private readonly namespaces = new Map<number, string>();
  /** The address of each name; undefined where several have it. */
  private readonly owners = new Map<string, string | undefined>();

  constructor(private readonly limit = DEFAULT_LIMIT) {}

  learnNetns({ netns, netnsName }: Flow): void {
    if (netnsName !== undefined) this.put(this.namespaces, netns, netnsName);
  }

  learnRemote(address: string, name: string): void {
    this.put(this.remotes, address, name);
    const isShared = this.owners.has(name) && this.owners.get(name) !== address;
    this.put(this.owners, name, isShared ? undefined : address);
  }

  /** The name of an address; with it where others have the same. */
  remote(address: string): string | undefined {
    const name = this.remotes.get(address);
    if (name === undefined) return undefined;
    const isShared = this.owners.has(name) && this.owners.get(name) !== address;
    return isShared ? `${name} (${address})` : name;
  }

  netns(inode: number): string | undefined {
    return this.namespaces.get(inode);
  }

  private put<Key, Value>(names: Map<Key, Value>, key: Key, name: Value): void {
    if (names.get(key) === name) return;
    if (names.size < this.limit || names.has(key)) names.set(key, name);
  }
}
