import { expect, test } from 'vitest';

import { isGroup, type Spec } from '../commands/spec.ts';
import { tree } from '../commands/tree.ts';
import { complete, type Candidate, type Names } from './candidates.ts';

function namesOf(named: Partial<Record<string, readonly Candidate[]>>): Names {
  return {
    of: async (kind) => named[kind] ?? [],
    programs: async (start) => [{ word: `${start}program` }],
  };
}

async function words(line: string, names: Names = namesOf({})): Promise<readonly string[]> {
  const typed = line.split(' ');
  const { candidates } = await complete(typed.slice(0, -1), typed.at(-1) ?? '', names);
  return candidates.map(({ word }) => word);
}

interface Place {
  readonly line: string;
  readonly offered: readonly string[];
}

function placesOf(specs: readonly Spec[], path: string): readonly Place[] {
  const inner = specs.flatMap((spec): readonly Place[] => {
    if (isGroup(spec)) return placesOf(spec.commands, `${path}${spec.name} `);
    const options = (spec.options ?? []).flatMap(([flags]) => /--[a-z-]+/u.exec(flags) ?? []);
    return [{ line: `${path}${spec.name} --`, offered: [...options, '--home', '--help'] }];
  });
  return [{ line: path, offered: [...specs.map(({ name }) => name), 'help'] }, ...inner];
}

test.each(placesOf(tree, ''))('after "$line" comes what the tree has there', async (place) => {
  expect(await words(place.line)).toEqual(expect.arrayContaining([...place.offered]));
});

test('every file and folder that a command takes is completed as one', async () => {
  for (const [line, files] of [
    ['--config x', 'files'],
    ['--home x', 'folders'],
    ['init --identity-file x', 'files'],
    ['exec --from x', 'files'],
    ['approve --workspace x', 'folders'],
    ['exec -- /x', 'files'],
    ['exec -- program x', 'files'],
    ['status x', 'none'],
  ] as const) {
    const typed = line.split(' ');
    const found = await complete(typed.slice(0, -1), typed.at(-1) ?? '', namesOf({}));
    expect({ line, ...found }).toEqual({ line, candidates: [], files });
  }
});

test('B19: a name that a shell or the command would act on is not offered', async () => {
  const bad = [
    '$(id)',
    '`id`',
    'a b',
    "a'b",
    'a;b',
    '--all',
    '-f',
    '~root',
    '*',
    'a\nb',
    'a\u001bb',
    '>x',
    '',
  ];
  const all = [...bad, 'good-1'].map((word) => ({ word }));
  for (const kind of ['server', 'variable', 'request', 'grant', 'backend']) {
    const line = {
      server: 'exec ',
      variable: 'secret show ',
      request: 'approve ',
      grant: 'approvals revoke ',
      backend: 'secret list --backend ',
    }[kind];
    expect(await words(line ?? '', namesOf({ [kind]: all }))).toEqual(['good-1']);
  }
});

test('what stands before counts', async () => {
  const names = namesOf({
    server: [{ word: 'github' }],
    variable: [{ word: 'A' }],
    backend: [{ word: 'sealed' }],
    key: [{ word: 'settings.ttl' }],
    request: [{ word: '7F3A' }],
  });
  for (const [line, expected] of [
    ['exec ', ['github']],
    ['exec gi', ['github']],
    ['exec no', ['noprogram']],
    ['exec -- ', ['program']],
    ['exec --env A=1 -- ', ['program']],
    ['exec --from x ', []],
    ['exec --server ', ['github']],
    ['exec --server=', ['--server=github']],
    ['exec -- program --ser', []],
    ['exec github --ser', []],
    ['approve ', ['7F3A']],
    ['approve 7F3A ', ['A']],
    ['approve 7F3A A ', ['A']],
    ['approve --for se', ['session']],
    ['approve --for session ', ['7F3A']],
    ['approve --for=session ', ['7F3A']],
    ['deny 7F3A ', []],
    ['cache clear A ', ['A']],
    ['backend test ', ['sealed']],
    ['secret mv A --to ', ['sealed']],
    ['secret mv ', ['A']],
    ['config get ', ['settings.ttl']],
    ['daemon logs -n ', []],
    ['daemon logs -n5 --fol', ['--follow']],
    ['secret show -- ', ['A']],
    ['approvals ', ['list', 'revoke', 'help']],
    ['statsu ', []],
    ['daemon help st', ['start', 'stop', 'status']],
    ['help secret show ', []],
  ] as const) {
    expect({ line, words: (await words(line, names)).toSorted() }).toEqual({
      line,
      words: [...expected].toSorted(),
    });
  }
});
