import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectSuccess } from '../../kit/home.ts';
import { run } from '../../kit/run.ts';

/** What the servers are asked about, and answer the same each time. */
export interface Place {
  /** Where they run: a repository with one commit, and the files below. */
  readonly folder: string;
  readonly file: string;
  /** The knowledge graph of the memory server. */
  readonly graph: string;
  /** A page on this machine. */
  readonly url: string;
  remove(): Promise<void>;
}

/** For what is known of the servers before there is a place. */
export const noPlace: Place = {
  folder: '',
  file: '',
  graph: '',
  url: '',
  remove: async () => undefined,
};

/** What stands where. */
export const known = {
  line: 'a line of the file',
  page: 'a line of the page',
  commit: 'the one commit',
  entity: 'keeps the keys',
} as const;

export async function createPlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-place-'));
  const file = join(folder, 'file.txt');
  const graph = join(folder, 'graph.jsonl');
  await writeFile(file, `${known.line}\n`);
  const entity = {
    type: 'entity',
    name: 'broker',
    entityType: 'agent',
    observations: [known.entity],
  };
  await writeFile(graph, `${JSON.stringify(entity)}\n`);
  const env = { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
  const git = async (...args: readonly string[]): Promise<unknown> =>
    expectSuccess(await run('git', ['-C', folder, ...args], { env }));
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', 'file.txt');
  const author = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org'];
  await git(...author, 'commit', '--quiet', '--message', known.commit);

  const pages = createServer((_request, response) => {
    response.setHeader('content-type', 'text/plain').end(known.page);
  });
  pages.listen(0, '127.0.0.1');
  await once(pages, 'listening');
  return {
    folder,
    file,
    graph,
    url: `http://127.0.0.1:${(pages.address() as AddressInfo).port}/page.txt`,
    async remove() {
      pages.close();
      pages.closeAllConnections();
      await rm(folder, { recursive: true });
    },
  };
}
