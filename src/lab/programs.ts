import { assetFile } from '../assets/files.js';

/** A program of the laboratory, which the build made of the C files beside this module. */
export function helperProgram(name: 'link' | 'traffic'): string {
  return assetFile(`dist/lab/linux-${process.arch}/${name}`);
}
