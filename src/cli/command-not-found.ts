import { Errors, type Hook } from '@oclif/core';
import { EXIT } from '../model/failure.js';
import { failureText } from './failure-text.js';
import { unknownCommand } from './unknown-command.js';

/** What oclif calls where no command has the words that were typed. */
const commandNotFound: Hook.CommandNotFound = ({ id, config }): Promise<never> => {
  const commands = config.commandIDs.map((each) => each.replaceAll(':', ' ')).sort();
  process.stderr.write(failureText(unknownCommand(id.split(':'), commands)));
  throw new Errors.ExitError(EXIT.usage);
};

export default commandNotFound;
