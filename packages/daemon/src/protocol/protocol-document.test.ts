import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { names, startTestListener, temporaryHome, type TestListener } from '../listener/fixture.ts';
import { rpcCodes } from './envelope.ts';
import { maxAnswer, maxAttachmentCount, maxAttachments, maxFrame } from './framing.ts';
import { maxDepth } from './json.ts';
import { protocolVersion } from './messages.ts';
import { requestMembers } from './validate.ts';

const root = new URL('../../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const document = read('docs/PROTOCOL.md');
const [, methods = ''] = document.split('## Methods');

test('the document has a row for each method, with each of its params', () => {
  const members = requestMembers();
  const rows = new Map(
    [...methods.matchAll(/^\| `(\w+\.\w+)` \| (.*?) \|/gmu)].map(([, method, params]) => [
      method,
      params,
    ]),
  );
  expect([...rows.keys()]).toEqual(Object.keys(members));
  for (const [method, shape] of Object.entries(members)) {
    const described = method === 'launch.request' ? methods : rows.get(method);
    for (const [member, optional] of Object.entries(shape)) {
      expect(described).toContain(`\`${member}\`${optional ? '?' : ''}`);
    }
  }
});

test('the document names the version and the limits that hold', () => {
  expect(document).toContain(`The protocol is version ${protocolVersion}.`);
  for (const limit of [maxFrame, maxAnswer, maxAttachments]) {
    expect(document).toContain(limit.toLocaleString('en'));
  }
  expect(document).toContain(`| objects and arrays inside each other | ${maxDepth} |`);
  expect(document).toContain(`| attachments of one message | ${maxAttachmentCount} |`);
  for (const code of Object.values(rpcCodes)) expect(document).toContain(`| ${code} |`);
});

test('the client in Python has at most 100 lines', () => {
  expect(read('test/fixtures/client.py').trimEnd().split('\n').length).toBeLessThanOrEqual(100);
});

describe('the client in Python', () => {
  let home: ReturnType<typeof temporaryHome>;
  let listener: TestListener;

  beforeEach(async () => {
    home = temporaryHome();
    listener = await startTestListener(home.paths);
  });
  afterEach(async () => {
    await listener.stop(0);
    home.remove();
  });

  async function run(args: readonly string[], input = ''): Promise<[number, string, string]> {
    const child = spawn(
      'python3',
      [fileURLToPath(new URL('test/fixtures/client.py', root)), ...args],
      {
        env: { MCP_HOME: home.paths.home },
      },
    );
    const output = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (output[0] += String(chunk)));
    child.stderr.on('data', (chunk: Buffer) => (output[1] += String(chunk)));
    child.stdin.end(input);
    const [code] = (await once(child, 'close')) as [number];
    return [code, output[0] ?? '', output[1] ?? ''];
  }

  test('calls a method', async () => {
    const [code, output] = await run(['secret.show', '{"name":"Ä"}']);
    expect([code, JSON.parse(output)]).toMatchObject([0, { name: 'Ä', backend: 'test' }]);
  });

  test('sends an attachment', async () => {
    const [code, output] = await run(['secret.set', '{"name":"A"}'], 'a value\n{}\n');
    expect([code, JSON.parse(output)]).toMatchObject([0, { created: true }]);
    expect(listener.values).toEqual(['a value\n{}\n']);
  });

  test('reads attachments', async () => {
    const [code, output] = await run(['launch.take', '{"ticket":"t"}']);
    const [, ...attachments] = output.trim().split('\n');
    const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
    expect(code).toBe(0);
    expect(attachments).toEqual([`10 ${digest('value of t')}`, `0 ${digest('')}`]);
  });

  test('is told of an error', async () => {
    const [code, , error] = await run(['secret.show', JSON.stringify({ name: names.denied })]);
    expect([code, JSON.parse(error)]).toMatchObject([1, { code: 'ERR_DENIED', hint: 'ask' }]);
  });

  test('does not talk to a socket that others may reach', async () => {
    chmodSync(home.paths.socket, 0o666);
    const [code, , error] = await run(['broker.status']);
    expect([code, error]).toEqual([1, `${home.paths.socket} is not mine alone\n`]);
  });
});
