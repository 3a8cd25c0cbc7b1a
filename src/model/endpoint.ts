/** `10.3.0.12:6379`, `[2001:db8::1]:443`; the address alone where no port was got. */
export function formatEndpoint(address: string, port: number): string {
  if (port === 0) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
