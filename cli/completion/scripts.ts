/** What makes a shell ask `halyard complete` for words: each line is a candidate, perhaps with a tab and what it is. */
export const scripts = {
  bash: `_halyard() {
  local IFS=$'\\n'
  COMPREPLY=($(halyard complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f 1))
}
complete -o default -F _halyard halyard`,
  zsh: `#compdef halyard
_halyard() {
  local -a candidates
  candidates=("\${(@f)$(halyard complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  candidates=("\${candidates[@]/$'\\t'/:}")
  if [[ -n "\${candidates[1]}" ]]; then _describe halyard candidates; else _files; fi
}
if [[ "\${funcstack[1]}" == _halyard ]]; then _halyard "$@"; else compdef _halyard halyard; fi`,
  fish: `complete -c halyard -a '(halyard complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'`,
} as const
