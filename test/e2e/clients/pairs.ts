import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RealClient } from '../../kit/clients/client.ts';
import { createHome } from '../../kit/home.ts';
import { lacks } from '../../kit/needs.ts';
import { lacksPrepared, type Prepared } from '../../services/prepared.ts';
import { createPlace, noPlace } from './place.ts';
import { realServers, type RealServer } from './real-servers.ts';
import { endVisits, launchOf, visitTwice, type Surroundings } from './visit.ts';

/** How long `mcp exec` at least lets a server end by itself once its client has closed stdin. */
const patienceMs = 1200;
const table = realServers(noPlace);

/** A client, and what it needs. */
interface Proven {
  readonly client: string;
  readonly real: RealClient;
  readonly needs?: readonly Prepared[];
}

/** Clients against all servers, each pair with and without us: nothing differs, and nothing is left. */
export function provePairs(clients: readonly Proven[]): void {
  const value = randomBytes(24).toString('base64url');
  const approved = new Map<string, Promise<unknown>>();
  let surroundings: Surroundings;

  beforeAll(async () => {
    for (const each of new Set([...clients, ...table].flatMap(({ needs }) => needs ?? []))) {
      if (!lacksPrepared(each)) await each.make();
    }
    const [home, place] = await Promise.all([createHome({ kind: 'sealed' }), createPlace()]);
    surroundings = { home, place, value };
    await home.set('TOKEN', value);
  }, 900_000);
  afterAll(async () => {
    endVisits();
    await Promise.all([surroundings.home.remove(), surroundings.place.remove()]);
  });

  /** The server, approved the first time that it is asked for. */
  const approve = async (name: string): Promise<RealServer> => {
    const server = realServers(surroundings.place).find((each) => each.name === name);
    if (server === undefined) throw new Error(`no server ${name}`);
    const { args, env, cwd } = launchOf(server, surroundings);
    const grant = approved.get(name) ?? surroundings.home.approve(args.slice(1), { env, cwd });
    approved.set(name, grant);
    await grant;
    return server;
  };

  describe.skipIf(lacks('linux', 'git', 'npx')).each(clients)(
    '$client',
    ({ real, needs: ofClient = [] }) => {
      for (const { name, calls, needs = [] } of table) {
        const isMissing = lacksPrepared(...ofClient, ...needs);
        test.skipIf(isMissing)(`sees ${name} as it does without us, and all is gone`, async () => {
          const { plain, ours } = await visitTwice(real, await approve(name), surroundings);
          expect(ours.seen).toEqual(plain.seen);
          expect(ours.answers).toEqual(
            calls.map((call) => expect.stringContaining(call.known) as string),
          );
          expect(ours.processes).toEqual(plain.processes);
          const withValue = expect.stringContaining(`"TOKEN","${value}"`) as string;
          expect(ours.processes).toEqual(ours.processes.map(() => withValue));
          expect(JSON.stringify(ours.wrappers)).not.toContain(value);
          // What takes longer than we wait, on a machine that is busy, is asked to end.
          const ends = ours.goneAfterMs < patienceMs ? [] : [137, 143];
          expect([plain.exit, ...ends]).toContain(ours.exit);
          // However long this machine takes to end them, we take no two seconds more.
          expect(ours.goneAfterMs).toBeLessThan(plain.goneAfterMs + 2000);
        });
      }
    },
  );
}
