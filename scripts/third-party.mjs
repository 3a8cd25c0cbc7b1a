// @ts-check
/** Whose code is in a release beside ours: what is bundled, and what is linked into the addon and the laboratory's programs. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * @typedef {object} Component
 * @property {string} name
 * @property {string} version
 * @property {string} licence SPDX expression
 * @property {string} purl
 * @property {string} text the licence, as its authors give it
 */

/** Debian's packages whose static libraries are in the addon, or in the laboratory's programs. */
const LINKED = [
  { name: 'libbpf-dev', licence: 'LGPL-2.1-only OR BSD-2-Clause' },
  { name: 'libelf-dev', licence: 'GPL-2.0-or-later OR LGPL-3.0-or-later' },
  { name: 'zlib1g-dev', licence: 'Zlib' },
  { name: 'libstdc++-12-dev', licence: 'GPL-3.0-or-later WITH GCC-exception-3.1' },
  { name: 'libc6-dev', licence: 'LGPL-2.1-or-later' },
];

/** @param {string} folder of a package of npm @returns {Component} */
function bundled(folder) {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  const { name, version, license: licence } = manifest;
  return {
    name,
    version,
    licence,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    text: file === undefined ? `${licence}\n` : readFileSync(path.join(folder, file), 'utf8'),
  };
}

/** @param {{name: string, licence: string}} library @returns {Component} */
function linked({ name, licence }) {
  const version = execFileSync('dpkg-query', ['-W', '-f', '${Version}', name], { encoding: 'utf8' });
  return {
    name,
    version,
    licence,
    purl: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}`,
    text: readFileSync(`/usr/share/doc/${name}/copyright`, 'utf8'),
  };
}

/** Each once, in the order of their names. @param {readonly string[]} folders of the packages in the bundle */
export function components(folders) {
  const all = [...folders.map(bundled), ...LINKED.map(linked)];
  return [...new Map(all.map((component) => [component.purl, component])).values()].sort((a, b) =>
    a.purl < b.purl ? -1 : 1,
  );
}

/** The text of THIRD-PARTY-LICENSES. @param {readonly Component[]} all */
export function licences(all) {
  const parts = all.map(
    ({ name, version, licence, text }) => `${name} ${version} (${licence})\n\n${text.trim()}\n`,
  );
  return `What tcpscope is made with, in its bundle (npm), its native addon and its laboratory (Debian).\n\n${parts.join(
    `\n${'-'.repeat(80)}\n\n`,
  )}`;
}
