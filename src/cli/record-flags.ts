/** Recording what a command sees: the same flags in every command. */
import { createHash } from 'node:crypto';
import * as Flags from '@oclif/core/flags';
import { createRedactor } from '../record/redact.js';
import type { HeadFacts } from '../record/head.js';
import { RecordingWriter, type WriterOptions } from '../record/writer.js';
import type { RecordedItem } from '../record/items.js';
import { isMeeting } from '../model/meeting.js';
import type { Losses } from '../model/source.js';
import { sanitize } from '../model/units.js';
import type { OpenRecorder } from './run-report.js';

const helpGroup = 'RECORD';
const REDACT_KEY = 'TCPSCOPE_REDACT_KEY';

export const recordFlags = {
  record: Flags.string({
    description: 'Also write a recording, for tcpscope replay.',
    helpValue: 'FILE',
    helpGroup,
  }),
  redact: Flags.boolean({
    description: `With --record: other addresses and names in place of the real ones, the same throughout the recording; with the same secret in ${REDACT_KEY} the same in others too.`,
    helpGroup,
    dependsOn: ['record'],
  }),
};

export interface RecordFlagValues {
  record?: string | undefined;
  redact: boolean;
}

/** The head is brought up to date so often: what a cut-off file says of its losses is at most so old. */
const CHECKPOINT_NS = 5e9;

/**
 * Begins the recording that `--record` asks for. Failures in the middle are told on stderr, once; the view goes on.
 * @throws {Failure} if the file cannot be made.
 */
export async function openRecorder<Item extends RecordedItem>(
  { record, redact }: RecordFlagValues,
  facts: HeadFacts,
  options: Pick<WriterOptions, 'readClock'> = {},
): Promise<OpenRecorder<Item> | undefined> {
  if (record === undefined) return undefined;
  let failed = false;
  const writer = await RecordingWriter.create(record, facts, {
    ...options,
    ...(redact ? { redactor: createRedactor(redactKey()) } : {}),
    onFailure: ({ what, why, advice }) => {
      failed = true;
      process.stderr.write(`tcpscope: ${what}\n${why}\n${advice}\n`);
    },
  });
  return toRecorder(writer, () => ({ file: sanitize(record), failed }));
}

/** A secret by which recordings that are redacted apart get the same words. */
function redactKey(): Uint8Array | undefined {
  const secret = process.env[REDACT_KEY];
  return secret ? createHash('sha256').update(secret).digest() : undefined;
}

function toRecorder<Item extends RecordedItem>(
  writer: RecordingWriter,
  facts: () => { file: string; failed: boolean },
): OpenRecorder<Item> {
  let nextCheckpointNs = 0;
  let meetings = 0;
  return {
    add(item) {
      if (isMeeting(item)) meetings++;
      writer.add(item);
    },
    name(address, name) {
      writer.name(address, name);
    },
    checkpoint(nowNs: number, losses: Losses) {
      if (nowNs < nextCheckpointNs) {
        writer.tick(nowNs);
        return;
      }
      nextCheckpointNs = nowNs + CHECKPOINT_NS;
      writer.checkpoint({ losses, nowNs });
    },
    close: (end) => writer.close(end),
    facts: () => ({ ...facts(), items: writer.count - meetings, dropped: writer.droppedCount }),
  };
}
