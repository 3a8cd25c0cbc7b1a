/** `npm ci` runs no code of others. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const LOCK = path.resolve(import.meta.dirname, '../../../package-lock.json');

interface Locked {
  hasInstallScript?: boolean;
  link?: boolean;
}

describe('package-lock.json', () => {
  const { packages } = JSON.parse(readFileSync(LOCK, 'utf8')) as { packages: Record<string, Locked> };

  it('has no package with an install script', () => {
    assert.ok(Object.keys(packages).length > 100);
    const running = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
    assert.deepEqual(running, []);
  });

  it('has in place of unix-dgram, which has one, a package of ours', () => {
    const places = Object.keys(packages).filter((place) => place.endsWith('unix-dgram'));
    assert.deepEqual(places, ['node_modules/unix-dgram', 'scripts/no-unix-dgram']);
    assert.equal(packages['node_modules/unix-dgram']?.link, true);
  });
});
