/**
 * The words go to `mcp __complete` as they were typed, and nothing of what comes back is evaluated. What
 * bash has broken into pieces (at `=` and `:`) is put together again: nothing stands between those.
 */
export const bash = `# Completion for bash. In ~/.bashrc: eval "$(mcp completion bash)"
_mcp_broker() {
  local mcp line=\${COMP_LINE:0:COMP_POINT} rest piece='' kind='' i
  local -a words=()
  COMPREPLY=()
  mcp=$(type -P mcp-broker || type -P mcp) || return 0
  for ((i = 0; i <= COMP_CWORD; i++)); do
    rest=\${line#"\${line%%[![:space:]]*}"}
    piece=\${rest:0:\${#COMP_WORDS[i]}}
    if ((i > 0)) && [[ $rest == "$line" && -n $piece ]]; then
      words[\${#words[@]} - 1]+=$piece
    else
      words+=("$piece")
    fi
    line=\${rest:\${#piece}}
  done
  if ((COMP_CWORD > 0)) && [[ \${COMP_WORDS[COMP_CWORD - 1]} == *[\\<\\>] ]]; then
    compopt -o default 2>/dev/null
    return 0
  fi
  [[ $piece == [=:] ]] && piece=''
  rest=\${words[\${#words[@]} - 1]}
  while IFS= read -r line; do
    if [[ -z $kind ]]; then
      kind=$line
    else
      COMPREPLY+=("\${line:\${#rest} - \${#piece}}")
    fi
  done < <("$mcp" __complete bash "\${words[@]:1}" 2>/dev/null </dev/null)
  case $kind in
    files) compopt -o default 2>/dev/null ;;
    folders) compopt -o dirnames 2>/dev/null ;;
  esac
  return 0
}
complete -F _mcp_broker mcp mcp-broker
`;
