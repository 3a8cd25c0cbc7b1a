import eslint from '@eslint/js';
import globals from 'globals';
import tseslint from 'typescript-eslint';

/** Who may import whom (ARCHITECTURE.md). A folder may always import itself. */
const MAY_IMPORT = {
  assets: [],
  events: [],
  model: ['events'],
  attribute: ['model'],
  aggregate: ['model'],
  view: ['model', 'aggregate', 'fleet'],
  record: ['model', 'events'],
  host: ['model', 'attribute'],
  kernel: ['assets', 'events', 'model', 'bpf-native-bindings'],
  session: ['model', 'aggregate', 'view', 'record'],
  agent: ['model', 'aggregate', 'session', 'kernel'],
  fleet: ['model'],
  lab: ['assets'],
  cli: [
    ...['assets', 'model', 'events', 'attribute', 'aggregate', 'view', 'record', 'host', 'kernel', 'session'],
    ...['agent', 'fleet'],
  ],
  commands: [
    ...['cli', 'session', 'model', 'attribute', 'aggregate', 'view', 'record', 'host', 'kernel', 'lab'],
    ...['agent', 'fleet'],
  ],
};

/** Folders without a clock, I/O or a global: the same input gives the same output. */
const PURE = ['events', 'model', 'attribute', 'aggregate', 'view'];
const PURE_GLOBALS = ['process', 'console', 'setTimeout', 'setInterval', 'setImmediate', 'performance'];

function importRules(folder) {
  const allowed = MAY_IMPORT[folder].map((name) => `${name}/`);
  const patterns = [
    {
      regex: `^(\\.\\./)+(?!${['\\.\\./', ...allowed, `${folder}/`].join('|')})`,
      message: `src/${folder} may import: ${MAY_IMPORT[folder].join(', ') || 'nothing'}.`,
    },
  ];
  if (folder !== 'kernel')
    patterns.push({ regex: '^#bpf-native-bindings', message: 'Only src/kernel talks to the addon.' });
  if (folder !== 'view') patterns.push({ regex: '^(cli-table3|chalk)$', message: 'Only src/view draws.' });
  if (PURE.includes(folder)) patterns.push({ regex: '^node:', message: `src/${folder} does no I/O.` });
  return {
    files: [`src/${folder}/**/*.ts`],
    rules: {
      'no-restricted-imports': ['error', { patterns }],
      ...(PURE.includes(folder) && {
        'no-restricted-globals': ['error', ...PURE_GLOBALS],
        'no-restricted-properties': ['error', { object: 'Date', property: 'now' }],
      }),
    },
  };
}

export default tseslint.config(
  { ignores: ['build/', 'dist/', 'native/dist/', 'native/build/', 'node_modules/'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-invalid-void-type': ['error', { allowAsThisParameter: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: { '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }] },
  },
  { files: ['**/*.js', '**/*.mjs'], languageOptions: { globals: globals.node } },
  ...Object.keys(MAY_IMPORT).map(importRules),
);
