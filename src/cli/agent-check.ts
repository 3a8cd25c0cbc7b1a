/** `agent --check`: whether the agent could begin with this configuration. */
import { loadConfig } from '../host/config-file.js';
import { DEFAULT_AGENT } from '../model/agent-config.js';
import { sanitize } from '../model/units.js';
import { readAccess } from './agent-access.js';
import { agentMakers } from './agent-makers.js';
import { agentSentence } from './place-report.js';

/**
 * Reads the configuration and all files that it names.
 * @returns a line that says what the agent would do
 * @throws {Failure} if one of them is wrong
 */
export async function checkAgentConfig(file: string | undefined, version: string): Promise<string> {
  const loaded = await loadConfig(file);
  const agent = loaded.config.agent ?? DEFAULT_AGENT;
  if (agent.prometheus) readAccess(agent.prometheus);
  const makers = agentMakers(version);
  await (agent.otlp && (await makers.otlp(agent.otlp)).close());
  await (agent.dogstatsd && (await makers.dogstatsd(agent.dogstatsd)).close());
  const where = loaded.file === undefined ? 'no configuration file' : sanitize(loaded.file);
  return `${where}: ${agentSentence(agent)}`;
}
