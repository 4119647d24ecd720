import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { exitCode } from '../run.ts';
import type { RealClient } from './client.ts';

interface Message {
  readonly jsonrpc: string;
  readonly id?: number;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: unknown;
}

/**
 * The least that a client can be. It sees what the others hide: each line of stdout has to be a message, and
 * what stands on stderr and how the program ends are part of what it has seen. `close`: how it asks for that end.
 */
export function lineClient(close: 'stdin' | 'SIGTERM'): RealClient {
  return async ({ launch, calls, whileRunning }) => {
    const { command, args, env, cwd } = launch;
    const child = spawn(command, args, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    let stdout = '';
    let stderr = '';
    child.stdin.on('error', () => undefined);
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      child.emit('said');
    });
    let ended = false;
    void closed.then(() => {
      ended = true;
      child.emit('said');
    });

    let id = 0;
    const tell = (message: object): void => {
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    };
    const ask = async (method: string, params: object): Promise<unknown> => {
      id += 1;
      tell({ id, method, params });
      for (;;) {
        const answer = messages(stdout).find((each) => each.id === id && each.method === undefined);
        if (answer !== undefined) return answer.result ?? answer.error;
        if (ended) throw new Error(`ended before its answer to ${method}: ${stderr}`);
        await once(child, 'said');
      }
    };

    try {
      const server = await ask('initialize', {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'test', version: '1.0.0' },
      });
      tell({ method: 'notifications/initialized' });
      const { tools } = (await ask('tools/list', {})) as { tools: unknown };
      const answers = [];
      for (const { tool, arguments: given } of calls) {
        answers.push(await ask('tools/call', { name: tool, arguments: given }));
      }
      await whileRunning();
      if (close === 'stdin') child.stdin.end();
      else child.kill(close);
      const [code, signal] = await closed;
      messages(stdout);
      return { server: [server, stderr], tools, answers, exit: exitCode(code, signal) };
    } finally {
      child.kill('SIGKILL');
    }
  };
}

/** All that has been said; throws at a line that is no message. */
function messages(stdout: string): Message[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const message = JSON.parse(line) as Message;
      if (message.jsonrpc !== '2.0') throw new Error(`no message: ${line}`);
      return message;
    });
}
