/** A folder that looks like the root of a host. */
import { mkdirSync, mkdtempSync, rmSync, rmdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const ID = '3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860';
export const OTHER_ID = '9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d';
export const POD_UID = '8a6c1f3e-0b2d-4c55-9d0a-5e1f7a9b3c21';
export const SECOND = 1e9;

/** What /proc says of a process. */
export interface FakeProcess {
  /** All lines of /proc/PID/cgroup. */
  cgroup?: string;
  startTicks?: number;
  netns?: number;
}

export class FakeHost {
  readonly root = mkdtempSync(path.join(tmpdir(), 'tcpscope-host-'));

  /** @param cgroupMount where the cgroup v2 hierarchy is; undefined for none */
  constructor(readonly cgroupMount: string | undefined) {
    if (cgroupMount !== undefined) this.file(`${cgroupMount}/cgroup.controllers`, 'cpu memory pids\n');
  }

  at(file: string): string {
    return path.join(this.root, file);
  }

  file(file: string, content: string | object = ''): this {
    mkdirSync(path.dirname(this.at(file)), { recursive: true });
    writeFileSync(this.at(file), typeof content === 'string' ? content : JSON.stringify(content));
    return this;
  }

  folder(folder: string): this {
    mkdirSync(this.at(folder), { recursive: true });
    return this;
  }

  link(file: string, target: string): this {
    mkdirSync(path.dirname(this.at(file)), { recursive: true });
    rmSync(this.at(file), { force: true });
    symlinkSync(target, this.at(file));
    return this;
  }

  remove(file: string): this {
    rmSync(this.at(file), { recursive: true });
    return this;
  }

  /** Makes a cgroup of the v2 hierarchy. @returns its number */
  cgroup(cgroup: string): number {
    const folder = path.join(this.cgroupMount!, cgroup);
    this.folder(folder);
    return statSync(this.at(folder)).ino;
  }

  removeCgroup(cgroup: string): void {
    rmdirSync(this.at(path.join(this.cgroupMount!, cgroup)));
  }

  process(pid: number, { cgroup, startTicks, netns }: FakeProcess): this {
    this.folder(`/proc/${pid}`);
    if (cgroup !== undefined) this.file(`/proc/${pid}/cgroup`, `${cgroup}\n`);
    const fields = Array.from({ length: 18 }, (_, at) => at);
    if (startTicks !== undefined)
      this.file(`/proc/${pid}/stat`, `${pid} (a ) b) S ${fields.join(' ')} ${startTicks} 0 0\n`);
    if (netns !== undefined) this.link(`/proc/${pid}/ns/net`, `net:[${netns}]`);
    return this;
  }

  clean(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Gives each test of a suite a host of its own, removed after it, also when the test fails. */
export function hosts(): (cgroupMount?: string | null) => FakeHost {
  const made: FakeHost[] = [];
  afterEach(() => {
    for (const host of made.splice(0)) host.clean();
  });
  return (cgroupMount) => {
    const host = new FakeHost(cgroupMount === null ? undefined : (cgroupMount ?? '/sys/fs/cgroup'));
    made.push(host);
    return host;
  };
}

/** Runs as a user who may not do everything. */
export function asNobody<T>(run: () => T): T {
  process.seteuid!(65_534);
  try {
    return run();
  } finally {
    process.seteuid!(0);
  }
}
