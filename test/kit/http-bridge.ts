/* oxlint-disable prefer-add-event-listener -- the SDK's transports are no event targets */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { RequestId } from '@modelcontextprotocol/sdk/types.js';

import type { Launch } from './clients/client.ts';

export interface HttpBridge {
  readonly url: string;
  /** How many servers it has launched. */
  readonly launched: number;
  stop(): Promise<void>;
}

/**
 * A server that speaks over stdio, for a client that speaks over HTTP alone: for each session it launches
 * one and hands every message on as it is, both ways.
 */
export async function startHttpBridge(launch: Launch): Promise<HttpBridge> {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const servers: StdioClientTransport[] = [];

  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const stdio = new StdioClientTransport({
      ...launch,
      args: [...launch.args],
      stderr: 'ignore',
    });
    servers.push(stdio);
    const http = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      enableDnsRebindingProtection: true,
      allowedHosts: [host()],
      onsessioninitialized: (id) => void sessions.set(id, http),
    });
    const asked = new Set<RequestId>();
    http.onmessage = (message) => {
      if ('method' in message && 'id' in message) asked.add(message.id);
      stdio.send(message).catch(() => undefined);
    };
    stdio.onmessage = (message) => {
      const answers = !('method' in message);
      if (answers && message.id !== undefined) asked.delete(message.id);
      // HTTP has a stream for each request: what a server says while it works on one belongs there.
      const [only] = asked.size === 1 && !answers ? asked : [];
      const options = only === undefined ? {} : { relatedRequestId: only };
      http.send(message, options).catch(() => undefined);
    };
    http.onclose = () => void stdio.close();
    await http.start();
    await stdio.start();
    return http;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const id = request.headers['mcp-session-id'];
    const known = sessions.get(String(id));
    if (id !== undefined && known === undefined) return void response.writeHead(404).end();
    await (known ?? (await open())).handleRequest(request, response);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => {
      response.writeHead(500).end();
    });
  });
  const host = (): string => `localhost:${(server.address() as AddressInfo).port}`;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://${host()}/mcp`,
    get launched() {
      return servers.length;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await Promise.all(servers.map((stdio) => stdio.close()));
    },
  };
}
