/** Whatever the file has: a configuration or a clear error, soon. A failure prints the seed; `FUZZ_SEED` and `FUZZ_RUNS` change what is tried. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseConfig } from '#tcpscope/attribute/config-parser.js';
import { ConfigError } from '#tcpscope/attribute/config.js';
import { Places } from '#tcpscope/attribute/places.js';

const PARAMETERS = {
  seed: Number(process.env['FUZZ_SEED'] ?? 20_261_125),
  numRuns: Number(process.env['FUZZ_RUNS'] ?? 3000),
};
/** Of CPU time, so that a busy machine is no failure. */
const MAX_US = 1_000_000;

const EXAMPLE = `# two regions
internal: [10.0.0.0/8, 192.168.0.0/16]
external: ["10.99.0.0/16"]
regions:
  eu-west-1: [10.1.0.0/16, 2001:db8:1::/48]
  us-east-1:
    - 10.2.0.0/16   # the other one
    - '2001:db8:2::/48'
roles: {database: [10.1.4.0/24], "web server": []}
agent: {interval: 10s, prometheus: {listen: "[::1]:9469", tls: {certificate: /c, key: /k}}, otlp: {headers: {a: b}}}
`;

const TOKENS = [
  ...[
    'internal',
    'external',
    'regions',
    'roles',
    'agent',
    'prometheus',
    'listen',
    'tags',
    ':',
    ': ',
    '\n',
    '\n  ',
    '\n    ',
    '- ',
    '[',
    ']',
    '{',
    '}',
  ],
  ...[
    ', ',
    ',',
    '10.0.0.0/8',
    '10.1.0.0/16',
    '2001:db8::/32',
    '::',
    '::/0',
    'eu',
    '"',
    "'",
    '"eu"',
    '#',
    ' # c',
  ],
  ...['&a ', '*a', '!!str ', '!x ', '|', '>-\n', '? ', '---\n', '...\n', '%YAML 1.1\n', '<<: ', '\t', '\r\n'],
  ...[
    '\u0000',
    '\u001b[31m',
    '\ufeff',
    '\u2028',
    '\ud800',
    'null',
    '~',
    '1e9',
    '\\',
    '\u0085',
    '@',
    '`',
    '=',
    '/',
  ],
];

/** What a reader of a file makes of bytes, well-formed or not. */
const bytes = fc
  .uint8Array({ maxLength: 2000 })
  .chain((array) =>
    fc.constantFrom('utf8', 'latin1').map((encoding) => Buffer.from(array).toString(encoding)),
  );
const tokens = fc.array(fc.constantFrom(...TOKENS), { maxLength: 80 }).map((list) => list.join(''));
const piece = fc.oneof(fc.constantFrom(...TOKENS), fc.string({ unit: 'binary', maxLength: 8 }));
const edit = fc.record({ at: fc.nat(EXAMPLE.length), cut: fc.nat(20), put: piece });
const mutated = fc
  .array(edit, { minLength: 1, maxLength: 6 })
  .map((edits) =>
    edits.reduce((text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut), EXAMPLE),
  );
const repeated = fc
  .tuple(piece, piece, fc.integer({ min: 1, max: 1000 }))
  .map(([first, again, times]) => first + again.repeat(times));

/** True if it was accepted. */
function parses(text: string): boolean {
  const { user } = process.cpuUsage();
  try {
    new Places(parseConfig(text, 'fuzz.yaml')).of('10.1.4.7');
    return true;
  } catch (error) {
    assert.ok(error instanceof ConfigError, error instanceof Error ? error.stack : 'thrown');
    assertClear(error, text.split('\n'));
    return false;
  } finally {
    assert.ok(process.cpuUsage().user - user < MAX_US, 'it took a second');
  }
}

function assertClear({ mistakes, message }: ConfigError, lines: readonly string[]): void {
  assert.ok(mistakes.length > 0);
  for (const { line, column, message: what } of mistakes) {
    assert.ok(line >= 1 && line <= lines.length, `line ${line}`);
    assert.ok(column >= 1 && column <= lines[line - 1]!.length + 1, `column ${column} of line ${line}`);
    assert.match(what, /\w/);
  }
  // eslint-disable-next-line no-control-regex -- they are what must not be there
  assert.doesNotMatch(message, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
}

describe('a configuration of', () => {
  // Mocha wants whole stacks, which makes each of a thousand errors in a deep recursion dear.
  const { stackTraceLimit } = Error;
  before(() => {
    Error.stackTraceLimit = 10;
  });
  after(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  const kinds = { 'random bytes': bytes, 'random words of YAML': tokens, 'one word over and over': repeated };
  for (const [name, texts] of Object.entries(kinds)) {
    it(`${name} is accepted or its mistakes are told`, () => {
      fc.assert(
        fc.property(texts, (text) => {
          parses(text);
        }),
        PARAMETERS,
      );
    });
  }

  it('lists and maps deeper than any stack has its mistakes told', () => {
    for (const part of ['[', '{a: ', '- ', '? ', 'a: ', ': ']) assert.ok(!parses(part.repeat(20_000)), part);
  });

  it('an example with changes is accepted or its mistakes are told, and both happen', () => {
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(mutated, (text) => {
        if (parses(text)) accepted += 1;
        else refused += 1;
      }),
      PARAMETERS,
    );
    assert.ok(accepted > PARAMETERS.numRuns / 100, `${accepted} accepted`);
    assert.ok(refused > PARAMETERS.numRuns / 100, `${refused} refused`);
  });
});
