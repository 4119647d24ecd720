import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { RealClient } from './client.ts';

/** The official client as it was before: most of those that people have. A line that is no message is an error. */
export const sdkV1: RealClient = async ({ launch, calls, whileRunning }) => {
  const client = new Client({ name: 'test', version: '1.0.0' });
  const transport = new StdioClientTransport({
    ...launch,
    args: [...launch.args],
    stderr: 'ignore',
  });
  const errors: Error[] = [];
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK has no other
  client.onerror = (error) => void errors.push(error);
  try {
    await client.connect(transport);
    const { tools } = await client.listTools();
    const answers = [];
    for (const { tool, arguments: args } of calls) {
      answers.push(await client.callTool({ name: tool, arguments: { ...args } }));
    }
    const server = [
      client.getServerVersion(),
      client.getServerCapabilities(),
      client.getInstructions(),
    ];
    await whileRunning();
    if (errors[0] !== undefined) throw errors[0];
    return { server, tools, answers };
  } finally {
    await client.close();
  }
};
