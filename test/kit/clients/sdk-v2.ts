import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { RealClient } from './client.ts';

/** The official client. With `auto` it first asks a sibling of the server which revision it speaks. */
export function sdkV2(mode: 'legacy' | 'auto'): RealClient {
  return async ({ launch, calls, whileRunning }) => {
    const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
    const transport = new StdioClientTransport({
      ...launch,
      args: [...launch.args],
      stderr: 'ignore',
    });
    try {
      await client.connect(transport);
      const { tools } = await client.listTools();
      const answers = [];
      for (const { tool, arguments: args } of calls) {
        answers.push(await client.callTool({ name: tool, arguments: args }));
      }
      const server = [
        client.getServerVersion(),
        client.getServerCapabilities(),
        client.getInstructions(),
        client.getNegotiatedProtocolVersion(),
        client.getProtocolEra(),
      ];
      await whileRunning();
      return { server, tools, answers };
    } finally {
      await client.close();
    }
  };
}
