import { BrokerError } from '@mcp-broker/daemon/protocol';

/** `mcp exec` runs before the commands are loaded: what gets here was not typed as a launch. */
export function refuseLateExec(): never {
  throw new BrokerError(
    'ERR_USAGE',
    'exec comes first, after the options --home and --config alone',
    {
      hint: "mcp exec --env API_TOKEN='$<API_TOKEN>' -- COMMAND",
    },
  );
}
