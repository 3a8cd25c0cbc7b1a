/** Loaded into a tool by `npm run soak -- --heap`: tells every few seconds how many bytes are alive after a garbage collection. */
import { writeSync } from 'node:fs';

const REPORTS = 3;
const INTERVAL_MS = 5000;

setInterval(() => {
  global.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  writeSync(REPORTS, `${heapUsed + external}\n`);
}, INTERVAL_MS).unref();
