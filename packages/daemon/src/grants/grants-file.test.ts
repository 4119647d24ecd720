import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts';
import { decision, had, hour, launching } from '../testing/grant-decision.ts';
import { grantsHome, unlock, type GrantsHome } from '../testing/grants-home.ts';

let folder = '';
let home = '';
let file = '';
let clock: FakeClock;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-grants-file-'));
  home = join(folder, 'home');
  file = join(home, 'grants');
  clock = fakeClock();
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const start = (part: Partial<Parameters<typeof grantsHome>[0]> = {}): GrantsHome =>
  grantsHome({ home, clock, identity: 7, ...part });
const loaded = async (
  part: Partial<Parameters<typeof grantsHome>[0]> = {},
): Promise<GrantsHome> => {
  const daemon = start(part);
  await daemon.grants.load();
  return daemon;
};
const asideFiles = (): string[] => readdirSync(home).filter((name) => name.includes('refused'));
/** A grant of A for `f`, as another fingerprint has it. */
const also = (fingerprint: string): ReturnType<typeof decision> =>
  decision('always', ['A'], { request: { fingerprint } });

/** Why nothing is granted, when all is as it has to be after a refusal. */
async function refusalOf({
  grants,
  refused,
}: GrantsHome): Promise<readonly (string | undefined)[]> {
  expect([had(grants), grants.list, refused.length]).toEqual(['', [], 1]);
  const [{ refusal, problem } = {}] = refused;
  expect(problem).toMatchObject({ subject: file });
  expect(grants.problem).toBe(problem);
  expect(grants.problem?.message).toMatch(/^grants file .*, so it grants nothing$/u);
  const [aside = ''] = asideFiles();
  expect(grants.problem?.hint).toContain(join(home, aside));
  expect(existsSync(file)).toBe(false);
  // The next grant begins a new file, and the old one stays where it is.
  await grants.add(also('new'));
  expect([grants.problem, asideFiles()]).toEqual([undefined, [aside]]);
  const next = await loaded();
  expect(next.grants.problem).toBeUndefined();
  expect([had(next.grants), had(next.grants, launching('new'))]).toEqual(['', 'A']);
  return [refusal, problem?.code];
}

describe('the grants file', () => {
  test('is this user’s alone, one document with a grant a line, and has no leftovers beside it', async () => {
    const { grants, own } = start();
    await grants.add(decision('always'));
    await grants.add(also('g'));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(home).sort()).toEqual(['grants', 'own.age']);
    const document = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    expect(document).toMatchObject({ version: 1, generation: 2, grants: [{}, {}] });
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(6);
    const kept = JSON.parse(String(await own.get('grants'))) as object;
    expect(kept).toEqual({ id: document['id'], generation: 2 });
  });

  test('grants nothing with any one byte changed', { timeout: 60_000 }, async () => {
    await start().grants.add(decision('always'));
    const original = readFileSync(file);
    // Parsing and MAC alone decide: the one home is enough for all.
    const { grants, keyring } = start();
    for (let at = 0; at < original.length; at += 1) {
      const changed = Buffer.from(original);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      writeFileSync(file, changed, { mode: 0o600 });
      keyring.lock();
      unlock(keyring);
      await grants.load();
      expect([had(grants), existsSync(file)], `byte ${at}`).toEqual(['', false]);
    }
    expect(asideFiles()).toHaveLength(original.length);
    writeFileSync(file, original, { mode: 0o600 });
    expect(had((await loaded()).grants)).toBe('A');
  });

  test.each<[string, (bytes: Buffer) => Buffer]>([
    ['a byte at its end', (bytes) => Buffer.concat([bytes, Buffer.from('\n')])],
    ['its last byte missing', (bytes) => bytes.subarray(0, -1)],
    ['nothing in it', () => Buffer.alloc(0)],
    ['other JSON', () => Buffer.from('{"version":1,"grants":[]}')],
    ['no MAC', (bytes) => Buffer.from(bytes.toString().replace(/"mac".*/u, '"mac":""}'))],
    [
      'a MAC in capitals',
      (bytes) => Buffer.from(bytes.toString().replace(/[0-9a-f]{64}"\}/u, upper)),
    ],
  ])('with %s is set aside', async (_, change) => {
    await start().grants.add(decision('always'));
    writeFileSync(file, change(readFileSync(file)));
    expect(await refusalOf(await loaded())).toEqual(['unreadable', 'ERR_CORRUPT']);
  });

  test('with another grant in it is set aside', async () => {
    await start().grants.add(decision('always'));
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('$<A>', '$<B>'));
    expect(await refusalOf(await loaded())).toEqual(['edited', 'ERR_CORRUPT']);
  });

  test('of before is set aside, were it only one grant behind', async () => {
    const { grants } = start();
    await grants.add(decision('always'));
    copyFileSync(file, join(folder, 'old'));
    await grants.revoke({ all: true });
    copyFileSync(join(folder, 'old'), file);
    expect(await refusalOf(await loaded())).toEqual(['older', 'ERR_CORRUPT']);
  });

  test('that is gone takes no generation back: what was copied before stays old', async () => {
    const { grants } = start();
    await grants.add(decision('always'));
    copyFileSync(file, join(folder, 'old'));
    rmSync(file);
    await start().grants.add(also('g'));
    copyFileSync(join(folder, 'old'), file);
    expect(await refusalOf(await loaded())).toEqual(['older', 'ERR_CORRUPT']);
  });

  test('of another home with the same identity is set aside', async () => {
    const other = join(folder, 'other');
    await start({ home: other }).grants.add(decision('always'));
    await start().grants.add(also('g'));
    copyFileSync(join(other, 'grants'), file);
    expect(await refusalOf(await loaded())).toEqual(['foreign', 'ERR_CORRUPT']);
  });

  test('of another environment of the home is set aside', async () => {
    const config = join(folder, 'config.yaml');
    const environment = start({ config });
    await environment.grants.add(decision('always'));
    await start().grants.add(also('g'));
    copyFileSync(environment.paths.grants, file);
    expect(await refusalOf(await loaded())).toEqual(['foreign', 'ERR_CORRUPT']);
    // The other one has its own, as before.
    expect(had((await loaded({ config })).grants)).toBe('A');
  });

  test('of a home whose own items are gone is set aside', async () => {
    const { grants, paths } = start();
    await grants.add(decision('always'));
    rmSync(paths.own);
    expect(await refusalOf(await loaded())).toEqual(['foreign', 'ERR_CORRUPT']);
  });

  test('of another identity is set aside', async () => {
    await start({ identity: 8 }).grants.add(decision('always'));
    rmSync(join(home, 'own.age'));
    expect(await refusalOf(await loaded())).toEqual(['edited', 'ERR_CORRUPT']);
  });

  test.each<[string, () => void]>([
    [
      'that others can read',
      () => {
        chmodSync(file, 0o644);
      },
    ],
    [
      'that is a symbolic link to a good one',
      () => {
        copyFileSync(file, join(folder, 'elsewhere'));
        rmSync(file);
        symlinkSync(join(folder, 'elsewhere'), file);
      },
    ],
    [
      'that is a folder',
      () => {
        rmSync(file);
        mkdirSync(file);
      },
    ],
  ])('%s is set aside as it is', async (_, change) => {
    await start().grants.add(decision('always'));
    change();
    const before = statSync(file).mode;
    expect(await refusalOf(await loaded())).toEqual(['insecure', 'ERR_INSECURE_FILE']);
    expect(statSync(join(home, asideFiles()[0] ?? '')).mode).toBe(before);
  });

  test('that is larger than can be is set aside unread', async () => {
    await start().grants.add(decision('always'));
    truncateSync(file, 64 * 1024 * 1024 + 1);
    expect(await refusalOf(await loaded())).toEqual(['unreadable', 'ERR_CORRUPT']);
  });

  test('that is set aside takes no other’s place, nor where a link leads', async () => {
    const names = new Set<string>();
    for (const content of ['one', 'two', 'three']) {
      mkdirSync(home, { recursive: true });
      writeFileSync(file, content, { mode: 0o600 });
      if (content === 'two') {
        // Where the second one would come to lie.
        symlinkSync('nowhere', join(home, 'grants.refused-20260101T000001Z-2'));
      }
      await loaded();
      for (const name of asideFiles()) names.add(name);
    }
    expect([...names].sort()).toEqual(
      ['', '-2', '-3', '-4'].map((end) => `grants.refused-20260101T000001Z${end}`),
    );
    expect(readlinkSync(join(home, 'grants.refused-20260101T000001Z-2'))).toBe('nowhere');
    expect(readFileSync(join(home, 'grants.refused-20260101T000001Z'), 'utf8')).toBe('one');
  });
});

describe('what cannot be read', () => {
  test('grants nothing, is not set aside, is not replaced, and counts once it can be', async () => {
    await start().grants.add(decision('always'));
    const before = readFileSync(file);
    // At the load, and when the grant is added: what comes after would find nothing wrong.
    let failures = 2;
    const broken = new BrokerError('ERR_CORRUPT', 'own.age is damaged', { hint: 'restore it' });
    const { grants, refused } = await loaded({
      own: (own) => ({
        ...own,
        get: (name) => ((failures -= 1) >= 0 ? Promise.reject(broken) : own.get(name)),
      }),
    });
    expect([had(grants), refused, grants.problem]).toEqual(['', [], broken]);
    await expect(grants.add(also('g'))).rejects.toBe(broken);
    expect([had(grants, launching('g')), readFileSync(file)]).toEqual(['', before]);
    await grants.load();
    expect([had(grants), grants.problem]).toEqual(['A', undefined]);
  });
});

describe('a write that fails', () => {
  /** Own items that are not written: the disk is full. */
  const full = new BrokerError('ERR_BACKEND_UNAVAILABLE', 'own.age cannot be written: ENOSPC');
  let isFull = false;
  const filling = (): GrantsHome =>
    start({
      own: (own) => ({
        ...own,
        put: (name, bytes) => (isFull ? Promise.reject(full) : own.put(name, bytes)),
      }),
    });
  afterEach(() => {
    isFull = false;
  });

  test('of a grant leaves the old file and the old state, whichever half failed', async () => {
    const { grants } = filling();
    await grants.add(decision('always'));
    const before = readFileSync(file);
    isFull = true;
    await expect(grants.add(also('g'))).rejects.toBe(full);
    expect([had(grants), had(grants, launching('g'))]).toEqual(['A', '']);
    expect([readFileSync(file), readdirSync(home).sort()]).toEqual([before, ['grants', 'own.age']]);
    isFull = false;
    // Other than what the failed write had, were it copied while it was there.
    await grants.add(also('h'));
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ generation: 3 });
    const next = (await loaded()).grants;
    expect(['f', 'g', 'h'].map((one) => had(next, launching(one)))).toEqual(['A', '', 'A']);
  });

  test('of the first grant leaves no file', async () => {
    const { grants } = filling();
    isFull = true;
    await expect(grants.add(decision('always'))).rejects.toBe(full);
    expect([had(grants), existsSync(file)]).toEqual(['', false]);
  });

  test('where the folder has gone says so', async () => {
    const { grants, paths } = start({ paths: { grants: join(home, 'sub', 'grants') } });
    mkdirSync(join(home, 'sub'));
    await grants.add(decision('always'));
    rmSync(join(home, 'sub'), { recursive: true });
    await expect(grants.add(also('g'))).rejects.toMatchObject({
      code: 'ERR_BACKEND_UNAVAILABLE',
      subject: paths.grants,
    });
    expect([had(grants), had(grants, launching('g'))]).toEqual(['A', '']);
  });

  test('of what is taken back takes it back in memory, and on the disk as far as it goes', async () => {
    const { grants } = filling();
    await grants.add(decision('always'));
    isFull = true;
    await expect(grants.revoke({ all: true })).rejects.toMatchObject({
      code: 'ERR_BACKEND_UNAVAILABLE',
      message: expect.stringContaining('until the next unlock') as string,
    });
    expect(had(grants)).toBe('');
    expect(had((await loaded()).grants)).toBe('');
  });

  test('because it was locked meanwhile grants nothing', async () => {
    let meanwhile = (): void => undefined;
    const { grants, keyring } = start({
      own: (own) => ({
        ...own,
        async put(name, bytes) {
          meanwhile();
          await own.put(name, bytes);
        },
      }),
    });
    await grants.add(decision('always'));
    meanwhile = () => keyring.lock();
    await expect(grants.add(also('g'))).rejects.toMatchObject({ code: 'ERR_LOCKED' });
    const next = (await loaded()).grants;
    expect([had(next), had(next, launching('g'))]).toEqual(['A', '']);
  });
});

describe('a crash', () => {
  test('between the file and its generation leaves the new state, and an older file is old then', async () => {
    const { grants, own } = start();
    await grants.add(decision('always'));
    const kept = await own.get('grants');
    copyFileSync(file, join(folder, 'old'));
    await grants.add(also('g'));
    await own.put('grants', kept ?? Buffer.alloc(0));
    expect(had((await loaded()).grants, launching('g'))).toBe('A');
    copyFileSync(join(folder, 'old'), file);
    expect(await refusalOf(await loaded())).toEqual(['older', 'ERR_CORRUPT']);
  });

  test('before the first file leaves a home without grants', async () => {
    const { own } = start();
    await own.put('grants', Buffer.from('{"id":"ab","generation":0}'));
    const { grants } = await loaded();
    expect(grants.problem).toBeUndefined();
    await grants.add(decision(hour));
    expect(had((await loaded()).grants)).toBe('A');
  });
});

test('many decisions at once are all remembered', async () => {
  const { grants } = start();
  const fingerprints = Array.from({ length: 20 }, (_, index) => `f${index}`);
  await Promise.all(fingerprints.map((one) => grants.add(also(one))));
  await Promise.all([grants.add(also('g')), grants.revoke({ id: grants.list[0]?.id ?? '' })]);
  const next = (await loaded()).grants;
  expect(next.list).toEqual(grants.list);
  expect(next.list).toHaveLength(20);
});

function upper(text: string): string {
  return text.toUpperCase();
}
