import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Launches a server as an MCP client does and calls its `get-env` tool. The time is that from the
 * spawn to the tool's answer. `whileRunning` is called before the server is stopped.
 */
export async function launchAndAsk(
  launch: Launch,
  whileRunning: () => Promise<void> = async () => undefined,
): Promise<{ environment: Record<string, string>; milliseconds: number }> {
  const client = new Client({ name: 'quickstart', version: '1.0.0' });
  const transport = new StdioClientTransport({
    command: launch.command,
    args: [...launch.args],
    env: { ...launch.env },
    stderr: 'ignore',
  });
  const began = performance.now();
  try {
    await client.connect(transport);
    const answer = await client.callTool({ name: 'get-env' });
    const milliseconds = performance.now() - began;
    const content = answer.content as readonly { readonly type: string; readonly text?: string }[];
    const environment = JSON.parse(content[0]?.text ?? '{}') as Record<string, string>;
    await whileRunning();
    return { environment, milliseconds };
  } finally {
    await client.close();
  }
}
