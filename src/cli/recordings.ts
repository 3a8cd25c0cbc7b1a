/** Recordings that the user names, opened and put together. */
import { EXIT, Failure } from '../model/failure.js';
import type { Losses } from '../model/source.js';
import { mergeRecordings, type MergedRecording } from '../record/merge.js';
import { openRecording, type RecordingFile } from '../record/reader.js';

export interface OpenRecordings {
  /** What they were recorded with: `connlat`. */
  command: string;
  files: readonly RecordingFile[];
  recording: MergedRecording;
  /** Of all files together. */
  losses(): Losses;
  close(): Promise<void>;
}

/** Reads them once, to know how their clocks are related. @throws {Failure} for a file that is none, or of another kind. */
export async function openRecordings(paths: readonly string[]): Promise<OpenRecordings> {
  const files: RecordingFile[] = [];
  const close = async (): Promise<void> => {
    for (const file of files) await file.close();
  };
  try {
    for (const path of paths) files.push(await openRecording(path));
    const command = commonCommand(files);
    const recording = await mergeRecordings(files);
    return { command, files, recording, losses: () => sumOfLosses(files), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function commonCommand(files: readonly RecordingFile[]): string {
  const [first, ...others] = files;
  const command = first?.head.command ?? '';
  const other = others.find(({ head }) => head.command !== command);
  if (!other) return command;
  throw new Failure(
    EXIT.usage,
    'Recordings of different commands cannot be shown as one.',
    `${first?.label ?? ''} is of ${command}, ${other.label} of ${other.head.command}.`,
    'Replay them one after the other.',
  );
}

function sumOfLosses(files: readonly RecordingFile[]): Losses {
  const sum = { lost: 0, untracked: 0, missed: 0, unowned: 0, uncounted: 0 };
  for (const { progress } of files) {
    sum.lost += (progress.losses?.lost ?? 0) + progress.dropped;
    sum.untracked += progress.losses?.untracked ?? 0;
    sum.missed += progress.losses?.missed ?? 0;
    sum.unowned += progress.losses?.unowned ?? 0;
    sum.uncounted += progress.losses?.uncounted ?? 0;
  }
  return sum;
}
