import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { startPty } from '../kit/pty.ts';
import { compare, interleave, ladder, type Case } from './measure.ts';
import { empty, modules, spawnTrue } from './programs.ts';

const entry = fileURLToPath(new URL('../../packages/cli/dist/mcp.cjs', import.meta.url));
const node = process.execPath;
/** As the launcher starts it. */
const plain = [node, '--disable-sigusr1', '--v8-pool-size=1'] as const;
const bare: Case = { name: 'node -e 0', command: [node, '-e', '0'] };
const launch = ['exec', '--', 'true'] as const;
const replacing = ['exec', '--replace', '--', 'true'] as const;
const aim = '1.35 ×, at most 1.60 ×';
const reference = { TOKEN: '$<TOKEN>' };

/** What a launch costs with everything warm: daemon, cache, approval, files; its audit line is fsynced. */
export async function warmLaunch(runs = 60): Promise<string> {
  const home = await createHome({ kind: 'sealed' });
  const folder = mkdtempSync(join(tmpdir(), 'mcp-bench-'));
  const program = (name: string, text: string): string => {
    const file = join(folder, `${name}.cjs`);
    writeFileSync(file, text);
    return file;
  };
  try {
    await home.set('TOKEN', 'x'.repeat(40));
    await home.approve(['--', 'true'], { env: reference });
    const { env } = home;
    const whole = 'mcp exec -- true, one reference';
    const replace = 'mcp exec --replace -- true, one reference';
    const cases: Case[] = [
      bare,
      { name: 'true, alone', command: ['/bin/true'] },
      { name: 'node, an empty file', command: [...plain, program('empty', empty)] },
      { name: 'node, net and child_process', command: [...plain, program('modules', modules)] },
      { name: 'node, a spawn of true', command: [...plain, program('spawn', spawnTrue)] },
      { name: 'mcp.cjs, no reference', command: [...plain, entry, ...launch] },
      { name: 'mcp.cjs, one reference', command: [...plain, entry, ...launch], env: reference },
      { name: 'mcp exec -- true, no reference', command: [mcpCommand, ...launch] },
      { name: whole, command: [mcpCommand, ...launch], env: reference },
      { name: replace, command: [mcpCommand, ...replacing], env: reference },
    ].map((one) => ({ ...one, env: { ...env, ...('env' in one ? one.env : {}) } }) as Case);
    const samples = interleave(cases, runs);
    const named = (
      name: string,
      label: string,
    ): { name: string; times: number[]; median: number } => {
      const found = samples.find((sample) => sample.name === name);
      return { name: label, times: [], median: found?.median ?? Number.NaN };
    };
    return [
      compare(samples, { [whole]: aim, [replace]: aim }),
      '',
      '  where it goes',
      ladder([
        named('node, an empty file', 'Node starts and ends'),
        named('node, net and child_process', 'its modules net and child_process'),
        named('node, a spawn of true', 'it forks, and true runs'),
        named('mcp.cjs, no reference', 'our bundle: load, arguments, environment, lookup, signals'),
        named('mcp.cjs, one reference', 'the daemon: connect, decide, audit with fsync, value'),
        named(whole, 'the launcher (sh)'),
      ]),
    ].join('\n');
  } finally {
    rmSync(folder, { recursive: true });
    await home.remove();
  }
}

/**
 * The first launch: it starts the daemon of a home with an identity file, whose grants outlive it. The
 * refused one ends before a value is read.
 */
export async function firstLaunch(runs = 15): Promise<string> {
  const home = await createHome({ kind: 'identity' });
  try {
    await home.set('TOKEN', 'x'.repeat(40));
    const first = (name: string, args: readonly string[], status: number): Case => ({
      name,
      command: [mcpCommand, 'exec', '--', ...args],
      env: { ...home.env, ...reference },
      status,
      prepare: () => {
        stopDaemon(home);
      },
    });
    const allowed = 'first launch, starts the daemon';
    await approveAlways(home, ['--', 'true']);
    const samples = interleave(
      [
        { ...bare, env: home.env },
        first(allowed, ['true'], 0),
        first('the same, refused', ['true', 'unapproved'], 77),
      ],
      runs,
      2,
    );
    return compare(samples, { [allowed]: 'at most 8 ×' });
  } finally {
    await home.remove();
  }
}

/** As a person does; an identity file leaves no other way. Needs python3. */
async function approveAlways(home: Home, args: readonly string[]): Promise<void> {
  const { stderr } = await home.mcp(['exec', ...args], { env: reference });
  const id = /approve (\w{4})$/mu.exec(stderr)?.[1] ?? '';
  const terminal = startPty(mcpCommand, ['approve', id, '--for', 'always'], { env: home.env });
  const [, code = ''] = await terminal.see(/code: (\w{4})/u);
  terminal.type(`${code}\n`);
  const { code: status, shown } = await terminal.ended;
  expectSuccess({ code: status, stdout: shown, stderr: '' });
}

function stopDaemon(home: Home): void {
  const { status, stderr } = spawnSync(mcpCommand, ['daemon', 'stop'], { env: home.env });
  expectSuccess({ code: status ?? -1, stdout: '', stderr: String(stderr) });
}
