import type { CompletedCommand, CompletedFlag, Completion, Value } from './model.js';

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
/** In a specification of _arguments these characters end a part. */
const plain = (text: string): string => text.replaceAll(/[\\[\]:]/g, (character) => `\\${character}`);

/** What _arguments does at the place of a value. */
function actionOf(bin: string, { kind, words, isList }: Value): string {
  const all = words.join(' ');
  switch (kind) {
    case 'words':
      return isList ? `_sequence compadd - ${all}` : `(${all})`;
    case 'file':
      return '_files';
    case 'folder':
      return '_files -/';
    case 'user':
      return '_sequence _users';
    case 'process':
      return `_sequence _${bin}_processes`;
    case 'netns':
      return `_sequence _${bin}_netns`;
    case 'command':
      return `_${bin}_commands`;
    case 'text':
      return ' ';
  }
}

function flagSpecification(bin: string, flag: CompletedFlag): string {
  const { name, char, description, isRepeatable, conflicts, value } = flag;
  const short = char === undefined ? [] : [`-${char}`];
  const refused = [
    ...conflicts.map((other) => `--${other}`),
    ...(short.length > 0 ? [...short, `--${name}`] : []),
  ];
  const head = refused.length > 0 ? `(${refused.join(' ')})` : '';
  const tail = `[${plain(description)}]${value ? `:${plain(value.label)}:${actionOf(bin, value)}` : ''}`;
  return [...short, `--${name}${value ? '=' : ''}`]
    .map((spelling) => quote(`${isRepeatable ? '*' : ''}${head}${spelling}${tail}`))
    .join(' ');
}

function operandSpecification(bin: string, operand: Value, place: string): string {
  return quote(`${place}:${plain(operand.label)}:${actionOf(bin, operand)}`);
}

const functionName = (bin: string, name: string): string => `_${bin}_${name.replaceAll(/\W/g, '_')}`;

function commandFunction(bin: string, { name, flags, operands, isVariadic }: CompletedCommand): string {
  const last = operands.length - 1;
  const specifications = [
    ...flags.map((flag) => flagSpecification(bin, flag)),
    ...operands.map((operand, at) =>
      operandSpecification(bin, operand, isVariadic && at === last ? '*' : String(at + 1)),
    ),
  ];
  return `${functionName(bin, name)}() {
  _arguments -S \\
    ${specifications.join(' \\\n    ')}
}
`;
}

interface Choice {
  word: string;
  name: string;
  summary: string;
}

/** A function that offers these, or leaves what follows one to its function. */
function choiceFunction(
  bin: string,
  name: string,
  choices: readonly Choice[],
  flags: readonly string[],
): string {
  const described = choices.map(({ word, summary }) => quote(`${word}:${plain(summary)}`));
  const own = name === '' ? `_${bin}` : functionName(bin, name);
  return `${own}_commands() {
  local -a commands=(
    ${described.join('\n    ')}
  )
  _describe -t commands command commands "$@"
}

${own}() {
  local curcontext=$curcontext state line ret=1
  typeset -A opt_args
  _arguments -C ${flags.map(quote).join(' ')} '1:command:${own}_commands' '*:: :->rest' && ret=0
  if [[ $state = rest ]]; then
    curcontext="\${curcontext%:*:*}:${bin}-$words[1]:"
    case $words[1] in
${choices.map((choice) => `      ${choice.word}) ${functionName(bin, choice.name)} && ret=0 ;;`).join('\n')}
    esac
  fi
  return ret
}
`;
}

const ROOT_FLAGS = [
  '(- *)-h[Show all commands.]',
  '(- *)--help[Show all commands.]',
  '(- *)--version[Show the version.]',
];

/** For zsh from 5.0 on; works from a folder of $fpath, and sourced after compinit. */
export function zshScript({ bin, version, topics, commands }: Completion): string {
  const below = (topic: string): Choice[] =>
    commands
      .filter(({ name }) => name.startsWith(`${topic} `))
      .map(({ name, summary }) => ({ word: name.slice(topic.length + 1), name, summary }));
  const top: Choice[] = [
    ...commands.filter(({ name }) => !name.includes(' ')),
    ...topics.filter(({ name }) => commands.every((command) => command.name !== name)),
  ]
    .map(({ name, summary }) => ({ word: name, name, summary }))
    .sort((a, b) => (a.word < b.word ? -1 : 1));
  return `#compdef ${bin}
# Completion of ${bin} ${version} for zsh. Printed by "${bin} completion zsh".

_${bin}_netns() {
  local -a names=(self /run/netns/*(N:t))
  compadd "$@" -a names
}

_${bin}_processes() {
  local -a pids=(/proc/<->(N:t))
  compadd "$@" -a pids
}

${commands.map((command) => commandFunction(bin, command)).join('\n')}
${topics.map(({ name }) => choiceFunction(bin, name, below(name), [])).join('\n')}
${choiceFunction(bin, '', top, ROOT_FLAGS)}
if [[ $funcstack[1] = _${bin} ]]; then
  _${bin} "$@"
else
  compdef _${bin} ${bin}
fi
`;
}
