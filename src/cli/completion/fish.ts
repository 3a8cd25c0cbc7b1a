import type { CompletedCommand, CompletedFlag, Completion, Value } from './model.js';

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
const words = (all: readonly string[]): string => all.join(' ');

/** Flags of `complete` that say what stands there. */
function valueFlags(bin: string, { kind, words: all, isList }: Value): string {
  switch (kind) {
    case 'words':
      return `-x -a ${quote(isList ? `(__${bin}_list ${words(all)})` : words(all))}`;
    case 'file':
      return '-r -F';
    case 'folder':
      return `-x -a '(__fish_complete_directories)'`;
    case 'user':
      return `-x -a '(__${bin}_list (__fish_complete_users | string replace -r "\\t.*" ""))'`;
    case 'process':
      return `-x -a '(__${bin}_list (__fish_complete_pids | string replace -r "\\t.*" ""))'`;
    case 'netns':
      return `-x -a '(__${bin}_list self (path basename /run/netns/*))'`;
    case 'command':
      return `-x -a '(__${bin}_heads)'`;
    case 'text':
      return '-x';
  }
}

function flagLine(bin: string, command: CompletedCommand, flag: CompletedFlag): string {
  const { name, char, description, isRepeatable, conflicts, value } = flag;
  const refused = [...(isRepeatable || value ? [] : [name]), ...conflicts];
  const own = !isRepeatable && value ? [`__${bin}_not_given ${name}`] : [];
  const conditions = [
    `__${bin}_at ${command.name}`,
    ...(refused.length > 0 ? [`__${bin}_without ${words(refused)}`] : []),
    ...own,
  ];
  const short = char === undefined ? '' : ` -s ${char}`;
  const takes = value ? ` ${valueFlags(bin, value)}` : '';
  return `complete -c ${bin} -n ${quote(conditions.join('; and '))}${short} -l ${name}${takes} -d ${quote(description)}`;
}

function operandLines(bin: string, { name, operands, isVariadic }: CompletedCommand): string[] {
  return operands.map((operand, at) => {
    const isFurther = isVariadic && at === operands.length - 1;
    const place = isFurther ? `${at} or more` : String(at);
    const takes = valueFlags(bin, operand)
      .replace(/^-x |^-r /, '-f ')
      .replace('-f -F', '-F');
    return `complete -c ${bin} -n ${quote(`__${bin}_at ${name}; and __${bin}_place ${place}`)} ${takes}`;
  });
}

/** For fish from 3.5 on (the builtin path). */
export function fishScript({ bin, version, topics, commands }: Completion): string {
  const valued = new Set(
    commands.flatMap(({ flags }) => flags.flatMap(({ name, value }) => (value ? [`--${name}`] : []))),
  );
  const top = [
    ...commands.filter(({ name }) => !name.includes(' ')),
    ...topics.filter(({ name }) => commands.every((command) => command.name !== name)),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
  const nested = topics.flatMap(({ name: topic }) =>
    commands
      .filter(({ name }) => name.startsWith(`${topic} `))
      .map(
        ({ name, summary }) =>
          `complete -c ${bin} -n '__${bin}_at ${topic}' -a ${name.slice(topic.length + 1)} -d ${quote(summary)}`,
      ),
  );
  return `# Completion of ${bin} ${version} for fish. Printed by "${bin} completion fish".

# The words before the one that is being typed that are neither flags nor values of flags.
function __${bin}_operands
    set -l valued ${words([...valued])}
    set -l is_value 0
    set -l flags_end 0
    for token in (commandline -opc)[2..]
        if test $is_value = 1
            set is_value 0
        else if test $flags_end = 0; and test "$token" = --
            set flags_end 1
        else if test $flags_end = 0; and string match -q -- '-*' $token
            contains -- $token $valued; and set is_value 1
        else
            echo -- $token
        end
    end
end

# True if these are the words of the command, however many follow.
function __${bin}_at
    set -l typed (__${bin}_operands)
    set -l topics ${words(topics.map(({ name }) => name))}
    set -l depth 1
    test (count $typed) -gt 0; and contains -- $typed[1] $topics; and set depth 2
    test "$typed[1..$depth]" = "$argv"
end

# True at this place behind the command; also at later ones with "or more".
function __${bin}_place
    set -l typed (__${bin}_operands)
    set -l topics ${words(topics.map(({ name }) => name))}
    set -l place (math (count $typed) - 1)
    contains -- $typed[1] $topics; and set place (math $place - 1)
    test $place -eq $argv[1]; or begin
        test (count $argv) -gt 1; and test $place -gt $argv[1]
    end
end

# True if none of these flags has been given.
function __${bin}_without
    for token in (commandline -opc)
        contains -- (string replace -r '^--([^=]*).*' '$1' -- $token) $argv; and return 1
    end
    return 0
end

# The same of a flag that takes a value, which may be what is typed now.
function __${bin}_not_given
    set -l tokens (commandline -opc)
    test "$tokens[-1]" = --$argv[1]; and set -e tokens[-1]
    for token in $tokens
        test (string replace -r '^--([^=]*).*' '$1' -- $token) = $argv[1]; and return 1
    end
    return 0
end

# Each of these words behind what has been typed up to the last comma, unless it is there already.
function __${bin}_list
    set -l typed (string replace -r '^--[^=]*=' '' -- (commandline -ct))
    set -l before (string replace -rf '^(.*,).*$' '$1' -- $typed)
    set -l given (string split , -- "$before")
    for word in $argv
        contains -- $word $given; or echo -- "$before$word"
    end
end

function __${bin}_heads
    printf '%s\\t%s\\n' ${top.map(({ name, summary }) => `${name} ${quote(summary)}`).join(' ')}
end

complete -c ${bin} -e
complete -c ${bin} -f
complete -c ${bin} -n 'not __${bin}_operands | string length -q' -a '(__${bin}_heads)'
complete -c ${bin} -n 'not __${bin}_operands | string length -q' -s h -l help -d 'Show all commands.'
complete -c ${bin} -n 'not __${bin}_operands | string length -q' -l version -d 'Show the version.'
${nested.join('\n')}
${commands
  .flatMap((command) => [
    ...command.flags.map((flag) => flagLine(bin, command, flag)),
    ...operandLines(bin, command),
  ])
  .join('\n')}
`;
}
