/** What `mcp` alone says. */
export const summary: string = `mcp starts MCP servers with secrets that no file holds. Next:
  mcp init                                               set up a home, once
  mcp secret set API_TOKEN                               keep a token; its value is asked for
  mcp exec --env API_TOKEN='$<API_TOKEN>' -- COMMAND     start a server with it
  mcp approve                                            allow that launch, once you have seen it
See mcp --help for all commands, and mcp status for how things are.
`;
