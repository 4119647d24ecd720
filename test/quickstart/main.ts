import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { countFiles, findIn, findInArguments, findInFiles } from '../kit/canary.ts';
import { auditLines, createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { officialServer } from '../kit/servers.ts';
import { launchAndAsk } from './client.ts';

// The main job, for real, in a home of its own that is removed at the end: a token that no file holds
// reaches an official MCP server that an official MCP client launches.

const server = officialServer('everything');

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function step(title: string): void {
  say(`\n── ${title}`);
}

function digest(value: string): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 16);
}

function mask(value: string): string {
  return `${value.slice(0, 4)}${'•'.repeat(value.length - 4)}`;
}

function check(what: string, truth: boolean, details: readonly string[] = []): void {
  say(`   ${truth ? '✓' : '✗'} ${what}`);
  for (const detail of details) say(`       ${detail}`);
  if (!truth) process.exitCode = 1;
}

async function quickstart(home: Home): Promise<void> {
  const token = `tok_${randomBytes(24).toString('base64url')}`;
  const configFile = join(home.folder, 'mcp.json');
  const config = {
    mcpServers: {
      everything: {
        command: mcpCommand,
        args: ['exec', '--server', 'everything', '--', process.execPath, server],
        env: { API_TOKEN: '$<API_TOKEN>' },
      },
    },
  };
  const entry = config.mcpServers.everything;

  step('1  a random token goes into the sealed file');
  await home.set('API_TOKEN', token);
  say(`   mcp secret set API_TOKEN        ${mask(token)}  sha256 ${digest(token)}…`);

  step('2  the configuration of the MCP client names it, and holds no value');
  await writeFile(configFile, JSON.stringify(config, undefined, 2));
  say((await readFile(configFile, 'utf8')).replaceAll(/^/gmu, '   '));

  step('3  the first launch is refused: nobody has approved it');
  const execArgs = entry.args.slice(1);
  const refused = await home.mcp(['exec', ...execArgs], { env: entry.env });
  say(refused.stderr.trimEnd().replaceAll(/^/gmu, '   '));
  check('exit code 77, and the server did not start', refused.code === 77 && refused.stdout === '');

  step('4  a person approves it (here with the passphrase on a descriptor)');
  const id = /approve ([0-9A-Z]{4})$/mu.exec(refused.stderr)?.[1] ?? '';
  const approved = expectSuccess(
    await home.mcp(['approve', id, '--fd', '3'], { fd3: `${home.passphrase}\n` }),
  );
  say(approved.stdout.trimEnd().replaceAll(/^/gmu, '   '));

  step('5  the official client launches the official server, and asks for its environment');
  const plain = await launchAndAsk({
    ...entry,
    command: process.execPath,
    args: [server],
    env: { ...home.env },
  });
  const brokered = await launchAndAsk(
    { ...entry, env: { ...home.env, ...entry.env } },
    async () => {
      const { processes, finds } = await findInArguments(token);
      check(`the arguments of ${processes} processes do not hold it`, finds.length === 0, finds);
    },
  );
  const received = brokered.environment['API_TOKEN'] ?? '';
  check(
    `the server has the value: ${mask(received)}  sha256 ${digest(received)}…`,
    received === token,
  );

  step('6  and nothing else has it');
  const inConfig = findIn(await readFile(configFile), token);
  check('the configuration of the client does not hold it', inConfig.length === 0, inConfig);
  const inFiles = await findInFiles(home.folder, token);
  check(
    `none of the ${await countFiles(home.folder)} files written holds it (plain, base64, hex, URL, reversed)`,
    inFiles.length === 0,
    inFiles,
  );

  step('7  what the audit says');
  for (const line of await auditLines(home)) {
    const { seq, event, outcome, server: name, variables, code } = line;
    const words = [name, Array.isArray(variables) ? variables.join(' ') : undefined, code];
    say(
      `   ${String(seq).padStart(2)}  ${String(event).padEnd(8)} ${String(outcome).padEnd(8)} ${words.filter(Boolean).join('  ')}`,
    );
  }

  step('8  what it costs');
  const time = (value: number): string => `${value.toFixed(0)} ms`.padStart(7);
  say(`   launch to first answer, without the broker ${time(plain.milliseconds)}`);
  say(`   launch to first answer, through mcp exec   ${time(brokered.milliseconds)}`);
}

say('MCP Broker quickstart: one launch, from a stored token to a running server');
const home = await createHome({ kind: 'sealed' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    void home.remove().then(() => process.kill(process.pid, signal));
  });
}
try {
  await quickstart(home);
} finally {
  await home.remove();
}
if (process.exitCode === undefined) {
  say(`
Done, and everything it wrote is removed. To use it for real:

   npm install -g @mcp-broker/cli && mcp init
   mcp secret set GITHUB_TOKEN
   mcp exec --env GITHUB_PERSONAL_ACCESS_TOKEN='$<GITHUB_TOKEN>' -- npx -y @modelcontextprotocol/server-github@2025.4.8

The last one, in your client: its first launch is refused and says what to type to approve it.
`);
}
