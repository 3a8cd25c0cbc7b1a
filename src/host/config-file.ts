/** Finds and reads the configuration file. */
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { ConfigError, DEFAULT_CONFIG, MAX_CONFIG_BYTES, type Config } from '../attribute/config.js';
import { Places } from '../attribute/places.js';
import { EXIT, Failure } from '../model/failure.js';
import { formatCount, sanitize } from '../model/units.js';
import { readBounded } from './bounded-file.js';

const SYSTEM_FILE = '/etc/tcpscope/config.yaml';
const BELOW_CONFIG_HOME = 'tcpscope/config.yaml';

export interface LoadedConfig {
  readonly places: Places;
  /** What the places are made of, and its other sections. */
  readonly config: Config;
  /** Where it came from; undefined if there is none and the defaults hold. */
  readonly file: string | undefined;
}

/** What the search for the file depends on. */
export interface Surroundings {
  readonly configHome?: string | undefined;
  readonly home: string;
  readonly systemFile: string;
}

/**
 * The file that was asked for, else the first that is there: of the user, of the system.
 * @throws {Failure} if the one that was asked for is not there, or one that is there cannot be read or has mistakes.
 */
export async function loadConfig(
  asked: string | undefined,
  around: Surroundings = surroundings(),
): Promise<LoadedConfig> {
  if (asked !== undefined) return loaded(readConfig(asked), asked);
  for (const file of [userFile(around), around.systemFile]) {
    const text = readIfAllowed(file);
    if (text !== undefined) return loaded(parse(text, file), file);
  }
  return { places: new Places(DEFAULT_CONFIG), config: DEFAULT_CONFIG, file: undefined };
}

/** @throws {Failure} if it is not there or cannot be read. @throws {ConfigError} if it has mistakes. */
export async function readConfig(file: string): Promise<Config> {
  const text = readText(file);
  if (text === undefined)
    throw new Failure(
      EXIT.usage,
      `There is no configuration file ${sanitize(file)}.`,
      'Its name may be misspelt, or it may be in another folder.',
      'Without --config tcpscope looks in ~/.config/tcpscope and in /etc/tcpscope; docs/config.md has an example.',
    );
  return parse(text, file);
}

async function parse(text: string, file: string): Promise<Config> {
  const { parseConfig } = await import('../attribute/config-parser.js');
  return parseConfig(text, file);
}

/** One that nobody asked for and this user may not read is another user's: under sudo -u HOME may still be root's. */
function readIfAllowed(file: string): string | undefined {
  try {
    accessSync(file, constants.R_OK);
  } catch {
    return undefined;
  }
  return readText(file);
}

async function loaded(reading: Promise<Config>, file: string): Promise<LoadedConfig> {
  try {
    const config = await reading;
    return { places: new Places(config), config, file };
  } catch (error) {
    throw error instanceof ConfigError ? toFailure(error) : error;
  }
}

/** A ConfigError as every command tells it: a line for each mistake. */
export function toFailure({ fileName, message, count }: ConfigError): Failure {
  const file = sanitize(fileName);
  return new Failure(
    EXIT.usage,
    `The configuration ${file} has ${count === 1 ? 'a mistake' : `${formatCount(count)} mistakes`}.`,
    message,
    `When they are mended, try: tcpscope config check ${file}`,
  );
}

function surroundings(): Surroundings {
  return { configHome: process.env['XDG_CONFIG_HOME'], home: homedir(), systemFile: SYSTEM_FILE };
}

/** The XDG base directory specification has relative paths ignored. */
function userFile({ configHome, home }: Surroundings): string {
  const folder =
    configHome !== undefined && path.isAbsolute(configHome) ? configHome : path.join(home, '.config');
  return path.join(folder, BELOW_CONFIG_HOME);
}

/** Undefined if there is no such file. */
function readText(file: string): string | undefined {
  const bytes = readBytes(file);
  if (bytes === undefined) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable(file, 'It is not UTF-8 text.', 'Save it as UTF-8.');
  }
}

function readBytes(file: string): Buffer | undefined {
  let bytes: Buffer | undefined;
  try {
    bytes = readBounded(file, MAX_CONFIG_BYTES);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unreadable(file, sanitize(message), 'Give tcpscope a file that this user may read.');
  }
  if (bytes) return bytes;
  const limit = `${MAX_CONFIG_BYTES / 1024 / 1024} MiB`;
  throw unreadable(file, `It is larger than ${limit}.`, 'Merge its networks into fewer and larger ones.');
}

const unreadable = (file: string, why: string, advice: string): Failure =>
  new Failure(EXIT.usage, `The configuration ${sanitize(file)} cannot be read.`, why, advice);
