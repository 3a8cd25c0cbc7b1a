# Prints what zsh offers at the end of each line: capture.zsh SCRIPT FOLDER LINE...; "." ends what a line has.
# An interactive zsh in a pseudo-terminal completes; what it would show goes through a pipe instead.
zmodload zsh/zpty
script=$1 folder=$2
shift 2
mkfifo $folder/hits
zpty completing zsh -f -i
zpty -w completing "PROMPT= fpath=($folder \$fpath)
autoload -U compinit && compinit -u -d $folder/dump
source $script
hits() {
  builtin compadd -A found \"\$@\"
  (( \$#found )) && print -rl -- \$found >$folder/hits
}
compadd() {
  local -a found
  [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]] || hits \"\$@\"
  builtin compadd \"\$@\"
}
finish() { print . >$folder/hits }
offer() { comppostfuncs=(finish) ; _main_complete }
zle -C offer complete-word offer
bindkey '^I' offer
print ready >$folder/hits
"
exec {pipe}<>$folder/hits
read -u $pipe ready
for line; do
  zpty -w -n completing "$line"$'\t'
  while read -r -u $pipe hit; do
    print -r -- $hit
    [[ $hit == . ]] && break
  done
  # What it shows has to be read as well: a pseudo-terminal that is full stops it.
  while zpty -r -t completing shown; do :; done
  zpty -w -n completing $'\C-u'
done
zpty -d completing
