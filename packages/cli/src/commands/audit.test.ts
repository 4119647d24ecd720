import { expect, test } from 'vitest';

import { describe as describeLine, tailAudit } from './audit.ts';
import { createFakeSession } from './fake-session.ts';

const line = JSON.stringify({
  v: 1,
  seq: 7,
  time: '2026-01-01T00:00:00.000Z',
  event: 'launch',
  outcome: 'denied',
  code: 'ERR_LOCKED',
  server: 'git\u001b[hub',
  variables: ['A', 'B'],
  pid: 12,
  prev: 'x',
  mac: 'y',
});

test('an audit line reads as one short line', () => {
  expect(describeLine(line)).toBe(
    '7  2026-01-01T00:00:00.000Z  launch denied  ERR_LOCKED  git\u001b[hub  A,B  pid=12',
  );
  expect(describeLine('half a li')).toBe('half a li');
});

test('mcp audit tail escapes for a person, and gives the lines as they are with --json', async () => {
  const answers = { 'audit.tail': () => ({ lines: [line] }) };
  const person = createFakeSession({ answers });
  expect(await tailAudit({ lines: 5, follow: false }, person)).toBe(0);
  expect(person.stdout).toContain('git\\e[hub');
  expect(person.calls[0]?.params).toEqual({ lines: 5 });
  const program = createFakeSession({ answers, json: true });
  await tailAudit({ lines: 5, follow: false }, program);
  expect(program.stdout).toBe(`${line}\n`);
});

test('mcp audit tail does not start a daemon', async () => {
  const session = createFakeSession({ running: false, home: '/' });
  await expect(tailAudit({ lines: 5, follow: false }, session)).rejects.toMatchObject({
    exitCode: 69,
    hint: 'mcp daemon start',
  });
  expect(session.started).toBe(0);
});
