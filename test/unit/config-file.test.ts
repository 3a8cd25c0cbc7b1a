import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MAX_CONFIG_BYTES } from '#tcpscope/attribute/config.js';
import { loadConfig, type LoadedConfig, type Surroundings } from '#tcpscope/host/config-file.js';
import { EXIT, Failure } from '#tcpscope/model/failure.js';

describe('the configuration file', () => {
  let folder = '';
  let around: Surroundings = { home: '', systemFile: '' };
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tcpscope-config-'));
    around = { home: path.join(folder, 'home'), systemFile: path.join(folder, 'etc/config.yaml') };
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** A file that makes 10.0.0.1 one of the region. */
  function write(name: string, region: string): string {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `regions: {${region}: [10.0.0.0/8]}`);
    return file;
  }
  const regionOf = ({ places }: LoadedConfig): string | undefined => places.of('10.0.0.1').region;

  async function failure(asked: string | undefined): Promise<Failure> {
    try {
      await loadConfig(asked, around);
    } catch (error) {
      assert.ok(error instanceof Failure, String(error));
      assert.equal(error.exitCode, EXIT.usage);
      assert.ok(error.why !== '' && error.advice !== '');
      return error;
    }
    return assert.fail('it was accepted');
  }

  it('is none where there is none, and then the defaults hold', async () => {
    const loaded = await loadConfig(undefined, around);
    assert.equal(loaded.file, undefined);
    assert.deepEqual(loaded.places.of('10.0.0.1'), { region: undefined, role: undefined, external: false });
  });

  it('is the one asked for, else of XDG_CONFIG_HOME or ~/.config, else of the system', async () => {
    const files = {
      system: write('etc/config.yaml', 'system'),
      home: write('home/.config/tcpscope/config.yaml', 'home'),
      xdg: write('xdg/tcpscope/config.yaml', 'xdg'),
      asked: write('asked.yaml', 'asked'),
    };
    const xdg = { ...around, configHome: path.join(folder, 'xdg') };
    const found = async (asked: string | undefined, where: Surroundings): Promise<(string | undefined)[]> => {
      const loaded = await loadConfig(asked, where);
      return [regionOf(loaded), loaded.file];
    };
    assert.deepEqual(await found(files.asked, xdg), ['asked', files.asked]);
    assert.deepEqual(await found(undefined, xdg), ['xdg', files.xdg]);
    assert.deepEqual(await found(undefined, { ...around, configHome: 'relative' }), ['home', files.home]);
    assert.deepEqual(await found(undefined, { ...around, configHome: '' }), ['home', files.home]);
    assert.deepEqual(await found(undefined, around), ['home', files.home]);
    rmSync(files.home);
    assert.deepEqual(await found(undefined, around), ['system', files.system]);
    // The user's folder alone counts where XDG_CONFIG_HOME is set.
    rmSync(files.xdg);
    assert.deepEqual(await found(undefined, xdg), ['system', files.system]);
  });

  it('must be there if it was asked for', async () => {
    assert.match(
      (await failure(path.join(folder, 'missing.yaml'))).what,
      /^There is no configuration file .*missing/,
    );
    assert.match((await failure('')).what, /^There is no configuration file/);
  });

  it('must be readable text of a moderate size', async () => {
    const file = path.join(folder, 'file');
    assert.match((await failure(folder)).why, /EISDIR/);
    writeFileSync(file, Buffer.from([0x61, 0x3a, 0xff]));
    assert.match((await failure(file)).why, /not UTF-8/);
    writeFileSync(file, Buffer.alloc(MAX_CONFIG_BYTES + 1, '#'));
    assert.match((await failure(file)).why, /larger than 4 MiB/);
    assert.match((await failure('/dev/zero')).why, /larger than 4 MiB/);
    writeFileSync(file, Buffer.alloc(MAX_CONFIG_BYTES, '#'));
    assert.equal((await loadConfig(file, around)).file, file);
  });

  it('with mistakes is refused with a line for each, also when it was not asked for', async () => {
    const file = write('home/.config/tcpscope/config.yaml', '""');
    const { what, why, advice } = await failure(undefined);
    assert.equal(what, `The configuration ${file} has a mistake.`);
    assert.equal(why, `${file}:1:11: the name of a region is empty; give it one`);
    assert.match(advice, /tcpscope config check/);
  });

  it('may begin with a byte order mark and have lines of Windows', async () => {
    const file = path.join(folder, 'windows.yaml');
    writeFileSync(file, '\ufeffregions:\r\n  eu: [10.0.0.0/8]\r\n');
    assert.equal(regionOf(await loadConfig(file, around)), 'eu');
  });
});
