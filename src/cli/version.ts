/** What --version prints. */
import { release, type } from 'node:os';
import { assetBytes } from '../assets/files.js';

/** What bpf/Makefile writes: versions of libbpf, of the headers of Linux, and of the compiler. */
interface BuildFacts {
  libbpf: string;
  linux: string;
  clang: string;
}

/** A line of name and version, one of what it was built with, and one of what it runs on. */
export function versionText(): string {
  const { name, version } = readJson('package.json') as { name: string; version: string };
  const { libbpf, linux, clang } = readJson('dist/bpf/build.json') as BuildFacts;
  return [
    `${name} ${version}`,
    `built with libbpf ${libbpf}, headers of Linux ${linux} and clang ${clang}, for every kernel with BTF from Linux 5.10 on`,
    `runs on ${type()} ${release()} (${process.arch}) with Node.js ${process.version}`,
  ].join('\n');
}

function readJson(asset: string): unknown {
  return JSON.parse(new TextDecoder().decode(assetBytes(asset)));
}
