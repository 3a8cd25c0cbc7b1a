/** A network namespace whose loopback interface loses every SYN: where the laboratory's storm can rage. */
import { Namespace, storm } from '#tcpscope/lab/network.js';

/** Traffic; gives how many events a tracer was to see. */
export type Load = () => Promise<number>;

const HOST = '127.0.0.1';
const PORT = 9000;

/** On their way in, so that their sender does not learn of it. */
const RULES = `
  table inet bench {
    chain incoming {
      type filter hook input priority 0
      tcp dport ${PORT} drop
    }
  }`;

export async function createSilence(): Promise<Namespace> {
  const silence = await Namespace.create('silence');
  await silence.exec('nft', ['-f', '-'], { input: RULES });
  await silence.sysctl('net.ipv4.ip_local_port_range', '1024 65535');
  return silence;
}

/** So many connects a second, each of which sends its SYN again, once. */
export const retransmissions =
  (silence: Namespace, perSecond: number, seconds: number): Load =>
  async () => {
    const before = await sentAgain(silence);
    await storm(silence, perSecond, seconds, HOST, PORT);
    return (await sentAgain(silence)) - before;
  };

/** As the kernel counts: where the machine is too busy, a connect may end before its timer has run. */
async function sentAgain(silence: Namespace): Promise<number> {
  return (await silence.snmp())['TcpExt.TCPSynRetrans']!;
}
