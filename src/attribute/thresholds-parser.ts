/** The section `thresholds` of the configuration file. */
import {
  DEFAULT_THRESHOLDS,
  THRESHOLD_SETTINGS,
  withThreshold,
  type Thresholds,
} from '../model/thresholds.js';
import type { ConfigDocument, Member } from './config-document.js';
import { ConfigFields } from './config-fields.js';

/** How each is written; the limits are examples. */
const EXAMPLES = Object.fromEntries(THRESHOLD_SETTINGS.map((name) => [name, exampleOf(name)]));

function exampleOf(name: string): string {
  if (name === 'min-attempts') return String(DEFAULT_THRESHOLDS.minAttempts);
  if (name === 'accept-overflows') return '10';
  return /^p\d|^stall$/.test(name) ? '5ms' : '0.1%';
}

/** Those that it sets, and the defaults of the others. */
export function readThresholds(document: ConfigDocument, member: Member, example: string): Thresholds {
  const fields = ConfigFields.of(document, member, example, EXAMPLES);
  return THRESHOLD_SETTINGS.reduce<Thresholds>(
    (thresholds, name) => fields.value(name, (text) => withThreshold(thresholds, name, text), thresholds),
    DEFAULT_THRESHOLDS,
  );
}
