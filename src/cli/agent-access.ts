/** Who may read /metrics, as files say that the configuration names. */
import { requireKeyPair, type Access } from '../agent/http-server.js';
import { readBounded } from '../host/bounded-file.js';
import type { PrometheusConfig } from '../model/agent-config.js';
import { EXIT, Failure } from '../model/failure.js';
import { sanitize } from '../model/units.js';

/** Of a chain of certificates, or a password. */
const MOST_BYTES = 256 * 1024;

/** @throws {Failure} if a file cannot be read, or has not what it should */
export function readAccess({ tls, basicAuth }: PrometheusConfig): Access {
  return {
    tls: tls && readTls(tls),
    basicAuth: basicAuth && { user: basicAuth.user, password: readPassword(basicAuth.passwordFile) },
  };
}

function readTls({ certificate, key }: NonNullable<PrometheusConfig['tls']>): NonNullable<Access['tls']> {
  const pair = { certificate: read(certificate, 'certificate'), key: read(key, 'key') };
  try {
    requireKeyPair(pair);
    return pair;
  } catch (error) {
    throw new Failure(
      EXIT.failure,
      `The certificate ${sanitize(certificate)} and the key ${sanitize(key)} cannot be used.`,
      sanitize((error as Error).message),
      'Both must be PEM, the key without a passphrase and that of the first certificate.',
    );
  }
}

function readPassword(file: string): string {
  const [password = ''] = read(file, 'password').toString('utf8').split(/\r?\n/, 1);
  if (password !== '') return password;
  throw new Failure(
    EXIT.failure,
    `The password file ${sanitize(file)} has no password.`,
    'Its first line is empty.',
    'Write the password into its first line.',
  );
}

function read(file: string, what: string): Buffer {
  let why: string;
  try {
    const bytes = readBounded(file, MOST_BYTES);
    if (bytes) return bytes;
    why = `It is larger than ${MOST_BYTES / 1024} KiB.`;
  } catch (error) {
    why = sanitize((error as Error).message);
  }
  throw new Failure(
    EXIT.failure,
    `The ${what} ${sanitize(file)} cannot be read.`,
    why,
    'Give the agent a file that it may read; without a privilege it may read what nobody may.',
  );
}
