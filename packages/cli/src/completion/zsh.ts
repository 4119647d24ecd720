/** As a file of \$fpath (called \`_mcp\`) it is the function itself; evaluated, it defines it. */
export const zsh = `#compdef mcp mcp-broker
# Completion for zsh. In ~/.zshrc, after compinit: eval "$(mcp completion zsh)"
_mcp_broker() {
  local mcp=\${commands[mcp-broker]:-\${commands[mcp]}} kind
  local -a lines
  [[ -n $mcp ]] || return 1
  lines=("\${(@f)$("$mcp" __complete zsh "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null </dev/null)}")
  kind=$lines[1]
  lines=("\${(@)lines[2,-1]//:/\\\\:}")
  lines=("\${(@)lines/$'\\t'/:}")
  if (( $#lines )); then
    _describe -t names mcp lines && return
  fi
  [[ $PREFIX == -*=* ]] && compset -P '*='
  case $kind in
    (files) _files ;;
    (folders) _files -/ ;;
    (*) return 1 ;;
  esac
}
if [[ $funcstack[1] == _mcp ]]; then
  _mcp_broker "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
  compdef _mcp_broker mcp mcp-broker
fi
`;
