/** Names of TCP ports. */

/** One line of services(5) has at most these; what is longer is no name that a column could show. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,31}$/;
const MAX_PORT = 65_535;

/** What servers are commonly met on, with the names that people know them by. */
export const WELL_KNOWN_SERVICES: ReadonlyMap<number, string> = new Map([
  [21, 'ftp'],
  [22, 'ssh'],
  [25, 'smtp'],
  [53, 'domain'],
  [80, 'http'],
  [88, 'kerberos'],
  [110, 'pop3'],
  [111, 'sunrpc'],
  [143, 'imap2'],
  [179, 'bgp'],
  [389, 'ldap'],
  [443, 'https'],
  [445, 'microsoft-ds'],
  [465, 'submissions'],
  [587, 'submission'],
  [636, 'ldaps'],
  [853, 'domain-s'],
  [873, 'rsync'],
  [993, 'imaps'],
  [995, 'pop3s'],
  [1433, 'ms-sql-s'],
  [1521, 'oracle'],
  [1883, 'mqtt'],
  [2049, 'nfs'],
  [2181, 'zookeeper'],
  [2375, 'docker'],
  [2376, 'docker-s'],
  [2379, 'etcd-client'],
  [2380, 'etcd-server'],
  [3260, 'iscsi-target'],
  [3306, 'mysql'],
  [3389, 'ms-wbt-server'],
  [4222, 'nats'],
  [4317, 'otlp-grpc'],
  [4318, 'otlp-http'],
  [5044, 'beats'],
  [5432, 'postgresql'],
  [5671, 'amqps'],
  [5672, 'amqp'],
  [6379, 'redis'],
  [6443, 'kube-apiserver'],
  [7000, 'cassandra-node'],
  [8080, 'http-alt'],
  [8086, 'influxdb'],
  [8125, 'statsd'],
  [8300, 'consul-server'],
  [8301, 'consul-serf'],
  [8443, 'https-alt'],
  [8500, 'consul'],
  [8883, 'mqtts'],
  [9000, 'clickhouse'],
  [9042, 'cassandra'],
  [9090, 'prometheus'],
  [9092, 'kafka'],
  [9093, 'alertmanager'],
  [9100, 'node-exporter'],
  [9200, 'elasticsearch'],
  [9300, 'elastic-node'],
  [10_250, 'kubelet'],
  [10_256, 'kube-proxy'],
  [11_211, 'memcached'],
  [15_672, 'rabbitmq-http'],
  [26_379, 'redis-sentinel'],
  [27_017, 'mongodb'],
]);

/** TCP ports of a file in the form of services(5). The first name of a port counts; a line that is none is passed over. */
export function parseServices(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name = '', port = ''] = line.replace(/#.*/, '').trim().split(/\s+/);
    const number = Number(/^(\d{1,5})\/tcp$/.exec(port)?.[1] ?? NaN);
    if (number >= 1 && number <= MAX_PORT && NAME.test(name) && !names.has(number)) names.set(number, name);
  }
  return names;
}
