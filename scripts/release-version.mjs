#!/usr/bin/env node
// @ts-check
/**
 * Gives the next release its number: npm run release:version -- 0.2.0
 * Writes it into package.json and package-lock.json, and puts what is unreleased in CHANGELOG.md under it. Commits nothing.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import semver from 'semver';

const root = path.resolve(import.meta.dirname, '..');
const changelog = path.join(root, 'CHANGELOG.md');
const UNRELEASED = '## [Unreleased]\n';

/** @param {string} message @returns {never} */
function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

/** The changelog with a heading for the release. @param {string} text @param {string} version @param {string} date */
function released(text, version, date) {
  const start = text.indexOf(UNRELEASED);
  if (start === -1) fail('CHANGELOG.md has no section [Unreleased].');
  const [before, after] = [text.slice(0, start), text.slice(start + UNRELEASED.length)];
  const end = after.indexOf('\n## [');
  if (!/^- /m.test(end === -1 ? after : after.slice(0, end)))
    fail('CHANGELOG.md has nothing under [Unreleased]: what would users get?');
  return `${before}${UNRELEASED}\n## [${version}] - ${date}\n${after}`;
}

const [version = ''] = process.argv.slice(2);
const { version: current } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
if (semver.valid(version) !== version)
  fail(`"${version}" is not a version; try ${semver.inc(current, 'minor')}`);
if (!semver.gt(version, current)) fail(`${version} does not come after ${current}.`);
const today = new Date().toISOString().slice(0, 'YYYY-MM-DD'.length);
const text = released(readFileSync(changelog, 'utf8'), version, today);
execFileSync('npm', ['version', version, '--no-git-tag-version', '--ignore-scripts'], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
});
writeFileSync(changelog, text);
process.stdout.write(`tcpscope ${version}: read the change, commit it, and run npm run release\n`);
