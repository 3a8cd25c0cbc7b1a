/** What may happen where in the sources, which nothing but the sources can show. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../../..');

/** Files of src/ (but for the laboratory, which makes networks), bin/ and the addon's JavaScript, with their text. */
const sources = ['src', 'bin', 'native/lib']
  .flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
      path.join(folder, file),
    ),
  )
  .filter((file) => /\.(ts|js|mjs)$/.test(file) && !file.startsWith('src/lab/'))
  // Only in a checkout.
  .filter((file) => file !== 'bin/dev.js')
  .map((file) => ({ file, text: readFileSync(path.join(ROOT, file), 'utf8') }));

const filesWith = (pattern: RegExp): string[] =>
  sources.filter(({ text }) => pattern.test(text)).map(({ file }) => file);

/** Whatever of node:fs makes, changes or removes something, or can. */
const WRITING =
  /\b(writeFile|appendFile|createWriteStream|copyFile|cp|mkdir|mkdtemp|rename|rm|rmdir|unlink|truncate|ftruncate|symlink|link|chmod|chown|lchown|utimes|write|writev)(Sync)?\b/;

describe('sources', () => {
  it('are all looked at', () => {
    assert.ok(sources.length > 150, String(sources.length));
    assert.ok(sources.some(({ file }) => file === 'src/record/writer.ts'));
  });

  it('start programs in one place: sh and stty, by constant words, for the keys of a terminal', () => {
    assert.deepEqual(filesWith(/child_process|\bcluster\b|process\.binding|execve/), [
      'src/session/character-mode.ts',
    ]);
    const { text } = sources.find(({ file }) => file === 'src/session/character-mode.ts')!;
    const started = [...text.matchAll(/\b(?:spawn|spawnSync|exec\w*|fork)\(([^,]+),/g)].map(
      ([, program]) => program,
    );
    assert.deepEqual(started, ["'/bin/sh'", "'stty'"]);
  });

  it('run no text as code', () => {
    assert.deepEqual(filesWith(/\beval\(|new Function\(|node:vm|worker_threads|import\((?!['"`])/), []);
  });

  it('make files in one place, and write to them in another', () => {
    const imported = sources.flatMap(({ file, text }) =>
      [...text.matchAll(/import (?:type )?\{([^}]*)\} from '(?:node:)?fs(?:\/promises)?'/g)].flatMap(
        ([, names = '']) =>
          names
            .split(',')
            .map((name) => name.trim())
            .filter((name) => WRITING.test(name))
            .map((name) => `${file} ${name}`),
      ),
    );
    const ownFiles = ['mkdtempSync', 'rmSync', 'writeFileSync'];
    assert.deepEqual(imported.sort(), [
      // A standalone executable has to put its addon somewhere, to load it: a new folder of its own.
      ...ownFiles.map((name) => `src/assets/embedded.ts ${name}`),
      'src/record/new-file.ts unlink',
      // To the file that stdout is.
      'src/session/outlet.ts write',
    ]);
    // No other way to the functions of node:fs than by their names.
    assert.deepEqual(filesWith(/(\* as \w+|import \w+|require\(|import\()\s*(from )?'(node:)?fs/), []);
    assert.deepEqual(filesWith(/\bO_(CREAT|RDWR|WRONLY|TRUNC|APPEND)\b/), ['src/record/new-file.ts']);
    assert.deepEqual(filesWith(/\bopen(Sync)?\([^)]*,\s*['"`](?!r['"`])/), []);
    const holders = filesWith(/\bFileHandle\b/).filter((file) => file !== 'src/record/reader.ts');
    assert.deepEqual(holders, ['src/record/new-file.ts', 'src/record/writer.ts']);
  });
});
