export const fish = `# Completion for fish. Once: mcp completion fish > ~/.config/fish/conf.d/mcp.fish
function __mcp_broker_complete
    set -l mcp (command -s mcp-broker; or command -s mcp)
    test -n "$mcp"; or return
    set -l current (commandline -ct)
    set -l before (commandline -opc)
    set -e before[1]
    set -l lines ($mcp[1] __complete fish $before "$current" 2>/dev/null </dev/null)
    set -l kind $lines[1]
    set -e lines[1]
    if test (count $lines) -gt 0
        printf '%s\\n' $lines
        return
    end
    set -l option (string match -r '^--[a-z-]+=' -- "$current")
    set -l path (string sub -s (math (string length -- "$option") + 1) -- "$current")
    switch "$kind"
        case files
            for each in (__fish_complete_path "$path")
                echo "$option$each"
            end
        case folders
            for each in (__fish_complete_directories "$path")
                echo "$option$each"
            end
    end
end
complete -c mcp -c mcp-broker -f -a '(__mcp_broker_complete)'
`;
