import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RealClient } from '../../kit/clients/client.ts';
import { createHome, type Home } from '../../kit/home.ts';
import { lacks } from '../../kit/needs.ts';
import { lacksPrepared, type Prepared } from '../../services/prepared.ts';
import { createPlace, noPlace, type Place } from './place.ts';
import { realServers } from './real-servers.ts';
import { visitTwice } from './visit.ts';

const table = realServers(noPlace);

/** A client against every server, each with and without us: nothing differs, and nothing is left. */
export function provePairs(client: RealClient, clientNeeds: readonly Prepared[] = []): void {
  const value = randomBytes(24).toString('base64url');
  let home: Home;
  let place: Place;

  beforeAll(async () => {
    const all = [...clientNeeds, ...table.flatMap(({ needs }) => needs ?? [])];
    for (const each of new Set(all)) {
      if (!lacksPrepared(each)) await each.make();
    }
    [home, place] = await Promise.all([createHome({ kind: 'sealed' }), createPlace()]);
    await home.set('TOKEN', value);
  }, 900_000);
  afterAll(async () => {
    await Promise.all([home.remove(), place.remove()]);
  });

  describe.skipIf(lacks('linux', 'git', 'npx')).each(table)(
    'with $name',
    ({ name, needs = [] }) => {
      test.skipIf(lacksPrepared(...clientNeeds, ...needs))(
        'sees what it sees without us, has the value, and leaves nothing',
        async () => {
          const server = realServers(place).find((each) => each.name === name) ?? raise(name);
          const { plain, ours } = await visitTwice(client, server, { home, place, value });
          expect(ours.seen).toEqual(plain.seen);
          expect(ours.answers).toEqual(
            server.calls.map(({ known }) => expect.stringContaining(known) as string),
          );
          expect(ours.processes).toEqual(plain.processes);
          const withValue = expect.stringContaining(`"TOKEN","${value}"`) as string;
          expect(ours.processes).toEqual(ours.processes.map(() => withValue));
          expect(JSON.stringify(ours.wrappers)).not.toContain(value);
          // However long this machine takes to end them, we take no two seconds more.
          expect(ours.goneAfterMs).toBeLessThan(plain.goneAfterMs + 2000);
        },
      );
    },
  );
}

function raise(name: string): never {
  throw new Error(`no server ${name}`);
}
