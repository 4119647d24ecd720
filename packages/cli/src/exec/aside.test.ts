import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { asideNames, restoreEnvironment } from './aside.ts';

/** Read by Node, and left alone: they colour output, name the time zone, or serve the REPL. */
const harmless = ['FORCE_COLOR', 'NO_COLOR', 'NODE_DISABLE_COLORS', 'NODE_REPL_HISTORY', 'TZ'];

describe('A5: variables that steer our own start', () => {
  test('are the same in the launcher and here', () => {
    const launcher = readFileSync(new URL('../../bin/mcp', import.meta.url), 'utf8');
    const list = /for name in([^;]+?)\ndo\n/u.exec(launcher)?.[1] ?? '';
    expect(list.split(/[\s\\]+/u).filter((name) => name !== '')).toEqual(asideNames);
  });

  test('are all that node --help names, but for those that do no harm', () => {
    const help = execFileSync(process.execPath, ['--help'], { encoding: 'utf8' });
    const section = help.slice(help.indexOf('\nEnvironment variables:'));
    const named = [...section.matchAll(/^([A-Z][A-Z0-9_]+)(?:\s|$)/gmu)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((name) => ![...asideNames, ...harmless].includes(name ?? ''))).toEqual([]);
  });

  test('come back under their own names, no other is renamed, and our home is left out', () => {
    expect(
      restoreEnvironment({
        PATH: '/bin',
        MCP_ASIDE_NODE_OPTIONS: '--inspect',
        MCP_ASIDE_NODE_PATH: '',
        MCP_ASIDE_LD_PRELOAD: 'x',
        MCP_HOME: '/h',
        MCP_ASIDE_START: '1024 0',
        NODE_ENV: 'test',
      }),
    ).toEqual({
      PATH: '/bin',
      NODE_OPTIONS: '--inspect',
      NODE_PATH: '',
      MCP_ASIDE_LD_PRELOAD: 'x',
      NODE_ENV: 'test',
    });
  });

  test('come back whatever their name is', () => {
    const source = JSON.parse('{"__proto__":"x","constructor":"y"}') as NodeJS.ProcessEnv;
    expect(Object.entries(restoreEnvironment(source))).toEqual(Object.entries(source));
  });
});
