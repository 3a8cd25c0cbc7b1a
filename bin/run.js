#!/usr/bin/env node
import { execute } from '@oclif/core';

// Plugins of the user's own would be read from a home folder that is not theirs under sudo.
await execute({
  dir: import.meta.url,
  loadOptions: { root: import.meta.dirname, userPlugins: false, devPlugins: false },
});
