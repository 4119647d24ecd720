import { expect, test } from 'vitest';

import type { AuditVerdict } from '@mcp-broker/daemon/protocol';

import { verifyAudit } from './audit-verify.ts';
import { createFakeSession } from './fake-session.ts';

const whole: AuditVerdict = { ok: true, lines: 9, sequence: 9, covered: 9, keys: 'used' };

test.each<[Partial<AuditVerdict>, number, string, string]>([
  [{}, 0, 'whole: 9 lines, up to number 9 under a MAC\n', ''],
  [{ covered: 8 }, 0, 'up to number 8 under a MAC; the line after it is not yet\n', ''],
  [{ covered: 7 }, 0, 'up to number 7 under a MAC; the 2 lines after it are not yet\n', ''],
  [{ covered: null }, 0, 'whole: 9 lines, none with a MAC yet\n', ''],
  [
    { covered: null, keys: 'locked' },
    0,
    'whole: 9 lines, as far as the chain tells\n',
    'the MACs were not checked, since the home is locked: mcp unlock',
  ],
  [
    { ok: false, problem: { file: 'current.jsonl', line: 4, message: 'has a MAC that is wrong' } },
    1,
    'not whole: /audit/current.jsonl:4 has a MAC that is wrong\n',
    'ls -la /',
  ],
])('%j reads as it should', async (members, code, text, note) => {
  const verdict = { ...whole, ...members };
  const options = { home: '/', answers: { 'audit.verify': () => verdict } };
  const person = createFakeSession(options);
  expect(await verifyAudit(person)).toBe(code);
  expect(person.stdout).toContain(text);
  expect(person.stderr).toContain(note);
  const program = createFakeSession({ ...options, json: true });
  expect(await verifyAudit(program)).toBe(code);
  expect(JSON.parse(program.stdout)).toEqual(verdict);
});
