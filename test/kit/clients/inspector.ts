import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start } from '../run.ts';
import type { RealClient } from './client.ts';

const program = fileURLToPath(
  new URL(
    '../../node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
    import.meta.url,
  ),
);

/** The Inspector’s command line: a launch for each question, of an entry in a file as clients have them. */
export const inspector: RealClient = async ({ launch, calls, answered }) => {
  const { cwd, ...entry } = launch;
  const folder = await mkdtemp(join(tmpdir(), 'mcp-inspector-'));
  const file = join(folder, 'mcp.json');
  await writeFile(file, JSON.stringify({ mcpServers: { one: entry } }));
  const ask = async (...question: readonly string[]): Promise<unknown> => {
    const env = { HOME: folder, PATH: process.env['PATH'], MCP_INSPECTOR_SECRET_STORE: 'memory' };
    const args = [program, '--cli', '--config', file, '--server', 'one', ...question];
    const child = start(process.execPath, args, { cwd, env });
    const output = { stdout: '', stderr: '' };
    child.stderr?.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
    child.stdout?.on('data', (chunk: Buffer) => {
      output.stdout += chunk.toString();
      if (output.stdout.endsWith('\n}\n')) answered();
    });
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`the inspector ended with ${String(code)}: ${output.stderr}`);
    return JSON.parse(output.stdout);
  };
  try {
    const { tools } = (await ask('--method', 'tools/list')) as { tools: unknown };
    const answers = [];
    for (const { tool, arguments: args } of calls) {
      const pairs = Object.entries(args).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
      const call = [
        'tools/call',
        '--tool-name',
        tool,
        ...pairs.flatMap((pair) => ['--tool-arg', pair]),
      ];
      answers.push(await ask('--method', ...call));
    }
    return { server: undefined, tools, answers };
  } finally {
    await rm(folder, { recursive: true });
  }
};
