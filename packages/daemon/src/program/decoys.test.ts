import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMachine, type Machine } from '../testing/machine.ts';

let machine: Machine;
beforeAll(() => {
  machine = createMachine();
  for (const name of 'poetry go cargo make just fish lua nodemon bundle tsx'.split(' ')) {
    machine.put(`bin/${name}`, '\u007fELF', 0o755);
  }
});
afterAll(() => {
  machine.remove();
});

const listed = async (line: string, variables?: Record<string, string>): Promise<string> => {
  const program = await machine.examine(line, variables);
  return machine.listed(program).slice(1).join(' ');
};

describe('what a program finds in its working folder is not what another folder has:', () => {
  test.each([
    'poetry run serve',
    'go run .',
    'cargo run',
    'make serve',
    'just serve',
    'bundle exec serve',
    'nodemon server.js',
    'fish server.fish',
    'lua server.lua',
  ])('%s is bound to the folder, and limited', async (line) => {
    const { needsFolder, limit } = await machine.examine(line);
    expect([needsFolder, limit?.reason]).toEqual([true, expect.stringMatching(/not followed/)]);
  });

  test.each(['bun ROOT/srv/server.ts', 'bun run ROOT/srv/server.ts', 'tsx ROOT/srv/server.ts'])(
    '%s reads settings there that load code',
    async (line) => {
      expect((await machine.examine(line)).needsFolder).toBe(true);
    },
  );

  test('the settings of Bun and npm there are hashed', async () => {
    machine.put('srv/bunfig.toml', 'preload = ["./hook.js"]');
    expect(await listed('bun ROOT/srv/server.ts')).toContain('preload srv/bunfig.toml');
    machine.put('srv/.npmrc', 'node-options=--require ./hook.js');
    expect(await listed('npx tool')).toContain('preload srv/.npmrc');
  });
});

describe('what lies beside the program does not stand for it:', () => {
  test('a folder without __init__.py comes after any other module', async () => {
    machine.put('srv/module/__main__.py', 'decoy');
    expect(await listed('python3 -m module', { PYTHONPATH: 'ROOT/lib' })).toBe(
      'script lib/module.py',
    );
    machine.put('srv/both/__main__.py', 'decoy');
    machine.put('srv/both.py', 'both');
    expect(await listed('python3 -m both')).toBe('script srv/both.py');
    machine.put('srv/outer/inner.py', 'decoy');
    machine.put('lib/outer/__init__.py', '');
    machine.put('lib/outer/inner.py', 'inner');
    expect(await listed('python3 -m outer.inner', { PYTHONPATH: 'ROOT/lib' })).toBe(
      'preload lib/outer/__init__.py script lib/outer/inner.py',
    );
  });

  test('Node runs index.js of a folder, and with a slash nothing beside it', async () => {
    machine.put('srv/main/index', 'decoy');
    machine.put('srv/main/index.js', 'index');
    expect(await listed('node ROOT/srv/main')).toBe('script srv/main/index.js');
    machine.put('srv/main.js', 'decoy');
    expect(await listed('node ROOT/srv/main/')).toBe('script srv/main/index.js');
    expect(await listed('node ROOT/srv/main/.')).toBe('script srv/main/index.js');
  });

  test('uv run is bound to the Python of the environment', async () => {
    const python = 'interpreter srv/project/.venv/bin/python';
    expect(await listed('uv run --directory ROOT/srv/project server.py')).toContain(python);
    expect(await listed('uv run --directory ROOT/srv/project -m served')).toContain(python);
    machine.put('srv/project/dot.env', 'LD_PRELOAD=x');
    expect(
      await listed('uv run --env-file dot.env --directory ROOT/srv/project server.py'),
    ).toContain('preload');
  });
});

test.each(['--title "a b" --require ROOT/srv/hook.js', '--require "ROOT/srv/hook.js"', '--wat'])(
  'NODE_OPTIONS=%s is not read to its end, which is a limit',
  async (options) => {
    const { limit } = await machine.examine('node ROOT/srv/server.js', { NODE_OPTIONS: options });
    expect(limit?.reason).toMatch(/NODE_OPTIONS/);
  },
);

test.each(['', '  --no-warnings  '])('NODE_OPTIONS=%j is read to its end', async (options) => {
  const { limit } = await machine.examine('node ROOT/srv/server.js', { NODE_OPTIONS: options });
  expect(limit).toBeUndefined();
});

test('caches and tools are looked for in the home that the server has', async () => {
  const tool = 'other/.local/share/uv/tools/mcp-server-git';
  machine.put(`${tool}/bin/mcp-server-git`, '\u007fELF', 0o755);
  machine.put(`${tool}/lib/python3.12/site-packages/mcp_server_git-2.0.0.dist-info/RECORD`, 'x');
  const line = 'uvx mcp-server-git==2.0.0';
  expect(await listed(line, { HOME: 'ROOT/other' })).toContain(`package ${tool}/bin`);
  const data = { XDG_DATA_HOME: 'ROOT/other/.local/share' };
  expect(await listed(line, data)).toContain(`package ${tool}/bin`);
});
