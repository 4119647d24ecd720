import { createHash } from 'node:crypto';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

export interface Observed {
  /** What the client saw; the same with us and without. */
  readonly seen: {
    /** `ok`, or what the client says of the failure. */
    readonly connect: string;
    readonly tools: readonly string[];
    /** Of the tool `work`, but for the processes that it names. */
    readonly answer: Readonly<Record<string, unknown>>;
    /** What the client complains of besides. */
    readonly complaints: readonly string[];
    readonly stderr: { readonly bytes: number; readonly digest: string };
  };
  /** The command that was started. */
  readonly pid: number;
  /** Those that the server names, by its tool or by `pid N` on stderr. */
  readonly pids: readonly number[];
  /** Milliseconds from the client's closing to the end of the last of them; at most `goneMs`. */
  readonly goneAfter: number;
}

export interface Launching {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** How long the client waits for an answer to its first request. */
  readonly patienceMs: number;
  /** While the server runs, after its tool has answered or the connection has failed. */
  readonly meanwhile?: (pid: number) => void;
  /** Whether a process is there. */
  readonly lives: (pid: number) => boolean;
}

const goneMs = 10_000;

/** The official client launches a server, asks for its tools, calls `work` and closes. */
export async function observe(launching: Launching): Promise<Observed> {
  const { command, args, env, patienceMs, meanwhile, lives } = launching;
  const transport = new StdioClientTransport({ command, args: [...args], env, stderr: 'pipe' });
  const client = new Client({ name: 'observer', version: '1.0.0' });
  const complaints: string[] = [];
  client.onerror = (error) => complaints.push(error.message);
  const said = createHash('sha256');
  let bytes = 0;
  let firstLine = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    said.update(chunk);
    bytes += chunk.length;
    if (firstLine.length < 80) firstLine += chunk.toString('latin1', 0, 80);
  });

  let connect = 'ok';
  let tools: string[] = [];
  let answer: Record<string, unknown> = {};
  let pid = 0;
  const connecting = client.connect(transport, { timeout: patienceMs });
  pid = transport.pid ?? 0;
  try {
    await connecting;
    tools = (await client.listTools()).tools.map(({ name }) => name);
    const { content } = await client.callTool({ name: 'work' });
    const [text] = content as readonly { readonly text?: string }[];
    answer = JSON.parse(text?.text ?? '{}') as Record<string, unknown>;
  } catch (error) {
    connect = error instanceof Error ? error.message : String(error);
  }
  meanwhile?.(pid);
  const began = performance.now();
  await client.close();
  const { pids: named = [], ...rest } = answer as { pids?: readonly number[] };
  const own = /^pid (\d+)$/mu.exec(firstLine)?.[1];
  const pids = own === undefined ? named : [Number(own)];
  return {
    seen: {
      connect,
      tools,
      answer: rest,
      complaints,
      stderr: { bytes, digest: said.digest('hex') },
    },
    pid,
    pids,
    goneAfter: await untilGone([pid, ...pids], lives, began),
  };
}

async function untilGone(
  pids: readonly number[],
  lives: (pid: number) => boolean,
  began: number,
): Promise<number> {
  for (;;) {
    const passed = performance.now() - began;
    if (!pids.some(lives) || passed > goneMs) return passed;
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
