import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { badInputs } from '../kit/bad-input.ts';
import { createHome, type Home } from '../kit/home.ts';
import { needs } from '../kit/needs.ts';

let home: Home;
beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('CANARY', 'canary');
  await home.set('WITH_NUL', Buffer.from('a\0b'));
  await home.set('TOO_LONG', 'x'.repeat(131_072));
}, 60_000);
afterAll(async () => {
  await home.remove();
});

describe('bad input', () => {
  for (const bad of badInputs) {
    (bad.asRoot ? needs('root') : test)(`${bad.title} exits ${bad.code} and says so`, async () => {
      const before = snapshot();
      const ended = await bad.try(home, home.mcp);
      expect(ended.stderr).toMatch(/^mcp: error: /mu);
      expect(ended).toMatchObject({ code: bad.code, stdout: '' });
      expect(ended.stderr).toMatch(bad.says);
      expect(snapshot()).toBe(before);
    });
  }

  test('a mistyped passphrase leaves the home locked, and says so', async () => {
    expect((await home.mcp(['lock'])).code).toBe(0);
    const wrong = await home.mcp(['unlock', '--fd', '3'], { fd3: 'not the passphrase\n' });
    expect(wrong).toMatchObject({ code: 77, stdout: '' });
    expect(wrong.stderr).toMatch(
      /the passphrase of .*identity\.age is wrong\nmcp: hint: mcp unlock/u,
    );
    const locked = await home.mcp(['exec', '--env', 'A=$<CANARY>', '--', '/bin/true']);
    expect(locked.code).toBe(75);
    expect(locked.stderr).toContain('mcp unlock');
    const unlocked = await home.mcp(['unlock', '--fd', '3'], { fd3: `${home.passphrase}\n` });
    expect(unlocked.code).toBe(0);
  });
});

/** What bad input must leave as it was. */
function snapshot(): string {
  return ['config.yaml', 'secrets.age', 'identity.age']
    .map((name) => readFileSync(join(home.broker, name), 'base64'))
    .join('\n');
}
