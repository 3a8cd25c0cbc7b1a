/** `10.3.0.12:6379`, `[2001:db8::1]:443`; the address alone where no port was got. */
export function formatEndpoint(address: string, port: number): string {
  if (port === 0) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The parts of what formatEndpoint made; port 0 where there is none. */
export function parseEndpoint(text: string): { address: string; port: number } {
  const match = /^\[(.*)\]:(\d+)$/.exec(text) ?? /^([^:]*):(\d+)$/.exec(text);
  return match ? { address: match[1] ?? '', port: Number(match[2]) } : { address: text, port: 0 };
}
