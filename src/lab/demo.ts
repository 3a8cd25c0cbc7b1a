/** Traffic worth looking at on an idle machine: five programs, each with its own fate. */
import { Network, SERVER, listen, startConnect } from './network.js';

const DELAY_US = 20_000;
const GAP_US = 1_000_000;
/** More than any demo lasts; the programs end with the network. */
const MANY = 100_000;

const PORTS = { open: 9000, losing: 9001, silent: 9002, closed: 9003 } as const;

/** What is going on, for whoever watches. */
export const LEGEND = `Two network namespaces, joined by a path of 20 ms each way. Five programs connect:
  fast      over loopback
  slow      across the path
  refused   to a port on which nobody listens
  unlucky   across the path, which loses the first SYN of each connection
  hopeless  to a port whose SYNs all vanish; gives up after 1.5 s
`;

/** Makes the namespaces and starts the programs. Everything ends with `destroy()`. */
export async function startDemo(): Promise<Network> {
  const network = await Network.create({
    name: 'demo',
    delayUs: DELAY_US,
    drop: [`first-syn:${PORTS.losing}`, `all-syn:${PORTS.silent}`],
  });
  try {
    const { client, server } = network;
    await listen(client, '127.0.0.1', PORTS.open, { close: true });
    await listen(server, SERVER.ipv4, PORTS.open, { close: true });
    await listen(server, SERVER.ipv4, PORTS.losing, { close: true });
    const steady = { count: MANY, gapUs: GAP_US };
    startConnect(client, '127.0.0.1', PORTS.open, { ...steady, name: 'fast' });
    startConnect(client, SERVER.ipv4, PORTS.open, { ...steady, name: 'slow' });
    startConnect(client, SERVER.ipv4, PORTS.closed, { ...steady, name: 'refused' });
    startConnect(client, SERVER.ipv4, PORTS.losing, { ...steady, name: 'unlucky' });
    startConnect(client, SERVER.ipv4, PORTS.silent, { ...steady, name: 'hopeless', timeoutMs: 1500 });
    return network;
  } catch (error) {
    await network.destroy();
    throw error;
  }
}
