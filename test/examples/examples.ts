/** Every example of the help, the man pages and README.md, as a user would paste it. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from '@oclif/core';
import { ROOT_EXAMPLES } from '#tcpscope/cli/help.js';
import { COMMANDS, ROOT } from '../cli/program.js';

export interface Example {
  /** Where it stands: `connlat --help`. */
  where: string;
  /** For bash; lines without their prompts. */
  script: string;
}

const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

/** Those of `static examples`. */
async function ofHelp(command: string): Promise<Example[]> {
  const file = path.join(ROOT, 'dist/commands', `${command.replaceAll(' ', '/')}.js`);
  const { default: loaded } = (await import(pathToFileURL(file).href)) as { default: Command.Class };
  return loaded.examples.map((example) => ({
    where: `${command} --help`,
    script: (typeof example === 'string' ? example : example.command)
      .replaceAll('<%= config.bin %>', 'tcpscope')
      .replaceAll('<%= command.id %>', command),
  }));
}

/** The commands of a code block: after a prompt, or in a block that has nothing else. What is printed has no prompt. */
function scriptOf(block: string): string {
  const lines = block.trimEnd().split('\n');
  if (lines.every((line) => !/^[#$] /.test(line))) return /^(?:sudo|npx|tcpscope) /.test(block) ? block : '';
  const isContinued = (at: number): boolean =>
    /[|\\]$/.test(lines[at] ?? '') || openQuotes(lines.slice(0, at + 1));
  return lines
    .filter((line, at) => /^[#$] /.test(line) || (at > 0 && isContinued(at - 1)))
    .map((line) => line.replace(/^[#$] /, ''))
    .join('\n');
}

const openQuotes = (lines: readonly string[]): boolean => (lines.join('\n').split("'").length - 1) % 2 === 1;

function ofMarkdown(file: string, text: string): Example[] {
  return [...text.matchAll(/^```\w*\n([^]*?)^```$/gm)]
    .map(([, block = '']) => ({ where: file, script: scriptOf(block) }))
    .filter(({ script }) => /\btcpscope [a-z]/.test(script));
}

/** The section EXAMPLES of a man page. */
const examplesSection = (page: string): string => /^## EXAMPLES\n([^]*?)(?=^## )/m.exec(page)?.[1] ?? '';

export async function allExamples(): Promise<Example[]> {
  const pages = readdirSync(path.join(ROOT, 'man')).filter((file) => file.endsWith('.md'));
  const all = [
    ...(await Promise.all(COMMANDS.map(ofHelp))).flat(),
    ...ROOT_EXAMPLES.map(({ command }) => ({ where: '--help', script: command })),
    ...pages.flatMap((file) => ofMarkdown(`man/${file}`, examplesSection(read(`man/${file}`)))),
    ...ofMarkdown('README.md', read('README.md')),
  ];
  const first = new Map<string, Example>();
  for (const example of all) if (!first.has(example.script)) first.set(example.script, example);
  return [...first.values()];
}
