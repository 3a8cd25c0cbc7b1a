import type { CompletedCommand, Completion, Value } from './model.js';

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const list = (words: readonly string[]): string => `(${words.map(quote).join(' ')})`;

/** A branch of `case`, for all of these words. */
const branch = (patterns: readonly string[], body: string): string =>
  `    ${patterns.map(quote).join(' | ')}) ${body} ;;`;

/** Branches; words with the same body share one. */
function branches(bodies: Iterable<readonly [pattern: string, body: string]>): string {
  const shared = new Map<string, string[]>();
  for (const [pattern, body] of bodies) shared.set(body, [...(shared.get(body) ?? []), pattern]);
  return [...shared].map(([body, patterns]) => branch(patterns, body)).join('\n');
}

function operandsOf({ name, operands, isVariadic }: CompletedCommand): (readonly [string, string])[] {
  const numbered = operands.map((operand, at) => {
    const isLast = at === operands.length - 1;
    return [`${name} ${isVariadic && isLast ? '@' : at}`, bodyOf(operand)] as const;
  });
  return numbered;
}

function bodyOf({ kind, words, isList }: Value): string {
  const facts = [`kind=${kind}`];
  if (words.length > 0) facts.push(`words=${list(words)}`);
  if (isList) facts.push('is_list=1');
  return facts.join(' ');
}

const spelled = (command: CompletedCommand): string[] =>
  command.flags.flatMap(({ name, char }) => [...(char === undefined ? [] : [`-${char}`]), `--${name}`]);

/** For bash from 3.2 on, that of macOS; needs nothing of the package bash-completion. */
export function bashScript({ bin, version, topics, commands }: Completion): string {
  const flagged = commands.flatMap((command) => command.flags.map((flag) => ({ command, flag })));
  const named = commands.map(({ name }) => name);
  const heads = [...new Set(named.map((name) => name.split(' ')[0] ?? ''))];
  const nested = topics.map(({ name }) => {
    const below = named.filter((each) => each.startsWith(`${name} `)).map((each) => each.split(' ')[1] ?? '');
    return [name, `words=${list(below)}`] as const;
  });
  const withValue = flagged.filter(({ flag }) => flag.value);
  const withConflicts = flagged.filter(({ flag }) => flag.conflicts.length > 0);
  const repeatable = flagged.filter(({ flag }) => flag.isRepeatable);
  return `# Completion of ${bin} ${version} for bash. Printed by "${bin} completion bash".

# The words that can follow those of an unfinished command.
_${bin}_commands() {
  case $1 in
    '') words=${list(heads)} ;;
${branches(nested)}
    *) return 1 ;;
  esac
}

_${bin}_flags() {
  case $1 in
    '') words=('-h' '--help' '--version') ;;
${branches(commands.map((command) => [command.name, `words=${list(spelled(command))}`]))}
    *) words=() ;;
  esac
}

# What a flag takes; false if it takes nothing.
_${bin}_value() {
  case "$1 $2" in
${branches(withValue.map(({ command, flag }) => [`${command.name} --${flag.name}`, bodyOf(flag.value!)]))}
    *) return 1 ;;
  esac
}

# What stands at a place without a flag; @ is any further place.
_${bin}_operand() {
  case "$1 $2" in
${branches(commands.flatMap(operandsOf))}
    *) return 1 ;;
  esac
}

_${bin}_conflicts() {
  case "$1 $2" in
    *' -h') words=('--help') ;;
    *' --help') words=('-h') ;;
${branches(
  withConflicts.map(({ command, flag }) => [
    `${command.name} --${flag.name}`,
    `words=${list(flag.conflicts.map((other) => `--${other}`))}`,
  ]),
)}
  esac
}

_${bin}_is_repeatable() {
  case "$1 $2" in
${branches(repeatable.map(({ command, flag }) => [`${command.name} --${flag.name}`, 'return 0']))}
  esac
  return 1
}

# Offers those of the words that begin as typed; of a list with commas those that are not in it yet.
_${bin}_offer_words() {
  local before='' word
  if [[ $is_list ]]; then
    [[ $typed == *,* ]] && before=\${typed%,*},
    compopt -o nospace 2>/dev/null
  fi
  for word in "\${words[@]}"; do
    [[ $before && ,$before == *",$word,"* ]] && continue
    [[ $before$word == "$typed"* ]] && COMPREPLY+=("$before$word")
  done
}

_${bin}_offer() {
  local path word
  case $kind in
    words) _${bin}_offer_words ;;
    command) _${bin}_commands '' && _${bin}_offer_words ;;
    file | folder)
      compopt -o filenames 2>/dev/null
      while IFS= read -r path; do COMPREPLY+=("$path"); done < <(
        if [[ $kind == file ]]; then compgen -f -- "$typed"; else compgen -d -- "$typed"; fi
      )
      ;;
    user)
      is_list=1 words=()
      while IFS= read -r word; do words+=("$word"); done < <(compgen -u)
      _${bin}_offer_words
      ;;
    process | netns)
      is_list=1 words=()
      [[ $kind == netns ]] && words=(self)
      if [[ $kind == netns ]]; then set -- /run/netns/*; else set -- /proc/[0-9]*; fi
      for path; do [[ -e $path ]] && words+=("\${path##*/}"); done
      _${bin}_offer_words
      ;;
  esac
}

_${bin}() {
  COMPREPLY=()
  local command='' pending='' only_operands='' typed=\${COMP_WORDS[COMP_CWORD]} lead=''
  local kind='' is_list='' word flag index place=0
  local -a words=() used=() offered=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    # bash makes three words of --flag=value.
    if [[ $pending && $word == '=' ]]; then
      continue
    elif [[ $pending ]]; then
      pending=''
    elif [[ ! $only_operands && $word == '--' ]]; then
      only_operands=1
    elif [[ ! $only_operands && $word == -?* ]]; then
      used+=("\${word%%=*}")
      [[ $word != *=* ]] && _${bin}_value "$command" "$word" && pending=$word
    elif _${bin}_commands "$command"; then
      command="\${command:+$command }$word"
    else
      place=$((place + 1))
    fi
  done
  kind='' is_list='' words=()
  [[ $pending && $typed == '=' ]] && typed=''
  if [[ ! $pending && ! $only_operands && $typed == --*=* ]]; then
    pending=\${typed%%=*} lead="$pending=" typed=\${typed#*=}
  fi
  if [[ $pending ]]; then
    _${bin}_value "$command" "$pending" && _${bin}_offer
    [[ $lead ]] && for index in "\${!COMPREPLY[@]}"; do COMPREPLY[index]=$lead\${COMPREPLY[index]}; done
    return
  fi
  if [[ $only_operands || $typed != -* ]]; then
    if _${bin}_commands "$command"; then
      kind=words
      _${bin}_offer
      return
    fi
    if _${bin}_operand "$command" "$place" || _${bin}_operand "$command" @; then
      _${bin}_offer
      return
    fi
    [[ $only_operands || $typed ]] && return
  fi
  _${bin}_flags "$command"
  offered=("\${words[@]}")
  for flag in \${used[@]+"\${used[@]}"}; do
    words=()
    _${bin}_is_repeatable "$command" "$flag" || words=("$flag")
    local refused=" \${words[*]} "
    words=()
    _${bin}_conflicts "$command" "$flag"
    refused+="\${words[*]} "
    for index in "\${!offered[@]}"; do
      [[ $refused == *" \${offered[index]} "* ]] && unset "offered[index]"
    done
  done
  words=(\${offered[@]+"\${offered[@]}"}) kind=words is_list=''
  _${bin}_offer
}

complete -F _${bin} ${bin}
`;
}
