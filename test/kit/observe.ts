import { createHash } from 'node:crypto';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { Launch } from './clients/client.ts';

/** What a client has seen. */
export interface Observation {
  /** `ok`, or what the client says of the failure. */
  readonly connect: string;
  readonly tools: readonly string[];
  /** Of the tool `work`. */
  readonly answer: Readonly<Record<string, unknown>>;
  /** What else the client complains of. */
  readonly complaints: readonly string[];
  readonly stderr: { readonly bytes: number; readonly digest: string };
}

export interface ObserveOptions {
  /** How long the client waits for the answer to its first request. */
  readonly patienceMs: number;
  /** Called with the pid of the command before the client closes. */
  readonly whileRunning?: (pid: number) => void;
}

/** The official client launches a server, asks for its tools, calls `work`, and closes. */
export async function observe(
  launch: Launch,
  { patienceMs, whileRunning }: ObserveOptions,
): Promise<Observation> {
  const transport = new StdioClientTransport({ ...launch, args: [...launch.args], stderr: 'pipe' });
  const client = new Client({ name: 'observer', version: '1.0.0' });
  const complaints: string[] = [];
  // oxlint-disable-next-line prefer-add-event-listener -- the SDK's client is no event target
  client.onerror = (error) => complaints.push(error.message);
  const stderr = createHash('sha256');
  let bytes = 0;
  transport.stderr?.on('data', (chunk: Buffer) => {
    stderr.update(chunk);
    bytes += chunk.length;
  });

  let connect = 'ok';
  let tools: readonly string[] = [];
  let answer: Readonly<Record<string, unknown>> = {};
  const connecting = client.connect(transport, { timeout: patienceMs });
  const pid = transport.pid ?? 0;
  try {
    await connecting;
    tools = (await client.listTools()).tools.map(({ name }) => name);
    const { content } = await client.callTool({ name: 'work' });
    const [text] = content as readonly { readonly text: string }[];
    answer = JSON.parse(text?.text ?? '') as Record<string, unknown>;
    whileRunning?.(pid);
  } catch (error) {
    connect = error instanceof Error ? error.message : String(error);
  }
  await client.close();
  return {
    connect,
    tools,
    answer,
    complaints,
    stderr: { bytes, digest: stderr.digest('hex') },
  };
}
