import { fileURLToPath } from 'node:url';

/** Where the laboratory's own program of that name is, built for this machine (src/lab/Makefile). */
export function helperProgram(name: 'link' | 'traffic'): string {
  return fileURLToPath(new URL(`../lab/linux-${process.arch}/${name}`, import.meta.url));
}
