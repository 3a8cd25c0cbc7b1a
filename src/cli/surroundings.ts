/**
 * To import before oclif, whose parts ask for the user's home and shell when they are loaded, and fail where the system knows no such user:
 * in a container that runs as a number.
 */
import { homedir, userInfo } from 'node:os';

function isKnown(ask: () => unknown): boolean {
  try {
    ask();
    return true;
  } catch {
    return false;
  }
}

if (!isKnown(homedir)) process.env['HOME'] = '/';
if (!isKnown(userInfo)) process.env['SHELL'] ??= '/bin/sh';
