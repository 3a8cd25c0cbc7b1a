/** Two hosts with a router between them, whose queues (sch_netem) delay, lose and reorder; needs veth and sch_netem. */
import { Namespace } from '#tcpscope/lab/network.js';

export const CLIENT = '10.78.1.1';
export const SERVER = '10.78.2.1';

export interface RoutedOptions {
  /** Parameters of sch_netem, such as `delay 10ms loss 2%`: on the way to the server, and back. */
  there: string;
  back: string;
  /** The same for what leaves the hosts themselves. */
  hosts?: string;
  /** Kernel parameters of both hosts. */
  sysctl?: Record<string, string | number>;
  /** One packet a skb: each is lost for itself. Else the queue loses what was sent as one, up to 64 KB. */
  single?: boolean;
}

export class Routed {
  private constructor(
    readonly client: Namespace,
    readonly router: Namespace,
    readonly server: Namespace,
  ) {}

  static async create(options: RoutedOptions): Promise<Routed> {
    const client = await Namespace.create('client');
    const router = await Namespace.create('router');
    const server = await Namespace.create('server');
    const network = new Routed(client, router, server);
    await router.sysctl('net.ipv4.ip_forward', 1);
    await router.sysctl('net.ipv4.icmp_ratelimit', 0);
    await router.sysctl('net.ipv4.icmp_ratemask', 0);
    await network.#join(client, 'to-client', CLIENT, '10.78.1.2', options);
    await network.#join(server, 'to-server', SERVER, '10.78.2.2', options);
    await network.queue('to-client', options.back, 'add');
    await network.queue('to-server', options.there, 'add');
    return network;
  }

  /** Sets what the router does to packets that leave through a device. */
  async queue(device: string, netem: string, verb = 'change'): Promise<void> {
    await Routed.#netem(this.router, device, netem, verb);
  }

  static async #netem(host: Namespace, device: string, netem: string, verb: string): Promise<void> {
    const limit = ['limit', '10000'];
    await host.exec('tc', ['qdisc', verb, 'dev', device, 'root', 'netem', ...limit, ...netem.split(' ')]);
  }

  /** Tells `host` where an address is, on the device `at` of `other`: a queue would lose its questions too. */
  static async #acquaint(
    host: Namespace,
    device: string,
    other: Namespace,
    address: string,
    at = 'eth0',
  ): Promise<void> {
    const { stdout } = await other.exec('ip', ['-json', 'link', 'show', 'dev', at]);
    const [link] = JSON.parse(stdout) as [{ address: string }];
    await host.ip(`neighbour replace ${address} lladdr ${link.address} dev ${device} nud permanent`);
  }

  async destroy(): Promise<void> {
    await Promise.all([this.client.destroy(), this.router.destroy(), this.server.destroy()]);
  }

  async #join(
    host: Namespace,
    device: string,
    address: string,
    gateway: string,
    options: RoutedOptions,
  ): Promise<void> {
    await this.router.ip(`link add name ${device} type veth peer name eth0 netns ${host.name}`);
    await this.router.ip(`link set ${device} up`, `address add ${gateway}/24 dev ${device}`);
    await host.ip(
      'link set eth0 up',
      `address add ${address}/24 dev eth0`,
      `route add default via ${gateway}`,
    );
    await Routed.#acquaint(this.router, device, host, address);
    await Routed.#acquaint(host, 'eth0', this.router, gateway, device);
    if (options.single) await host.ip('link set eth0 gso_max_segs 1');
    if (options.hosts !== undefined) await Routed.#netem(host, 'eth0', options.hosts, 'add');
    for (const [key, value] of Object.entries(options.sysctl ?? {})) await host.sysctl(key, value);
  }
}
