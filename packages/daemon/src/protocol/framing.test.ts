import { BrokerError } from '@mcp-broker/providers/errors';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Decoder, encode, maxAttachmentCount, maxFrame, type Frame } from './framing.ts';

/** The same bytes in pieces of these lengths, each a copy: the decoder overwrites what it has read. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    pieces.push(Buffer.from(bytes.subarray(at, at + length)));
    at += length;
  }
  pieces.push(Buffer.from(bytes.subarray(at)));
  return pieces;
}

function decode(pieces: readonly Buffer[], decoder: Decoder = new Decoder()): Frame[] {
  return pieces.flatMap((piece) => decoder.push(piece));
}

function line(text: string): Buffer {
  return Buffer.from(`${text}\n`);
}

function failure(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

function isViolation(error: unknown): boolean {
  return error instanceof BrokerError && error.code === 'ERR_PROTOCOL';
}

/** A line of so many bytes, its line feed not counted. */
function lineOf(bytes: number): Buffer {
  return line(`{"a":"${'x'.repeat(bytes - 8)}"}`);
}

const message = fc.record({
  message: fc
    .dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))
    .filter((object) => !/attachments|__proto__|prototype/u.test(JSON.stringify(object))),
  attachments: fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }),
});

test('a stream gives the same messages however it is cut', () => {
  const stream = fc.array(message, { maxLength: 6 });
  const lengths = fc.array(fc.nat({ max: 60 }), { maxLength: 80 });
  fc.assert(
    fc.property(stream, lengths, (messages, pieces) => {
      const bytes = Buffer.concat(messages.map((one) => encode(one.message, one.attachments)));
      const frames = decode(cut(bytes, pieces));
      expect(frames.map((frame) => frame.attachments.map((one) => [...one]))).toEqual(
        messages.map((one) => one.attachments.map((part) => [...part])),
      );
      for (const [index, frame] of frames.entries()) {
        const { attachments, ...rest } = frame.message;
        expect(attachments ?? 0).toBe(frame.attachments.length);
        expect(rest).toEqual(JSON.parse(JSON.stringify(messages[index]?.message)));
      }
    }),
    { numRuns: 500 },
  );
});

test('a stream in pieces of one byte gives its messages', () => {
  const bytes = Buffer.concat([
    encode({ a: 'é' }, [Buffer.from('one'), Buffer.alloc(0), Buffer.from('\n{}\n')]),
    encode({ b: 1 }),
  ]);
  const frames = decode(
    cut(
      bytes,
      Array.from({ length: bytes.length }, () => 1),
    ),
  );
  expect(frames.map((frame) => frame.attachments.map(String))).toEqual([['one', '', '\n{}\n'], []]);
});

test('B6: random bytes are messages or ERR_PROTOCOL, and nothing else', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .array(
        fc.constantFrom('{"attachments":1}\n', '{}\n', '\n', '\r', '[', '"', '\0\0\0\x02', 'ab'),
      )
      .map((parts) => Buffer.from(parts.join(''))),
  );
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 5 }), (chunks) => {
      const decoder = new Decoder();
      const error = failure(() => {
        for (const chunk of chunks) decoder.push(Buffer.from(chunk));
      });
      const after = failure(() => decoder.push(line('{}')));
      expect([
        error === undefined || isViolation(error),
        error === undefined || isViolation(after),
      ]).toEqual([true, true]);
    }),
    { numRuns: 10_000 },
  );
});

test.each([
  ['a batch', line('[{"jsonrpc":"2.0"}]')],
  ['a string', line('"hello"')],
  ['null', line('null')],
  ['an empty line', line('')],
  ['a key that stands twice', line('{"id":1,"id":2}')],
  ['__proto__', line('{"params":{"__proto__":{"admin":true}}}')],
  ['a depth of 200,000', line('['.repeat(200_000))],
  ['a CR between two messages', line('{"a":1}\r{"b":2}')],
  ['a CR before the LF', line('{"a":1}\r')],
  ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d, 0x0a])],
  ['an overlong encoding', Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d, 0x0a])],
  [
    'a surrogate in UTF-8',
    Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d, 0x0a]),
  ],
  ['65 attachments', line('{"attachments":65}')],
  ['attachments that are no number', line('{"attachments":"1"}')],
  ['half an attachment', line('{"attachments":1.5}')],
  ['fewer than no attachments', line('{"attachments":-1}')],
  [
    'an attachment of 4 GiB',
    Buffer.concat([line('{"attachments":1}'), Buffer.from([0xff, 0xff, 0xff, 0xff])]),
  ],
])('B6: %s is refused', (_name, bytes) => {
  expect(() => decode([Buffer.from(bytes)])).toThrow(
    expect.objectContaining({ code: 'ERR_PROTOCOL' }),
  );
});

test('a line may have as many bytes as the cap, and not one more', () => {
  expect(decode([lineOf(maxFrame)])).toHaveLength(1);
  expect(() => decode([lineOf(maxFrame + 1)])).toThrow(/262144 bytes/u);
  expect(() => decode([lineOf(101)], new Decoder({ frame: 100 }))).toThrow(/100 bytes/u);
});

test('a line without an end is refused as soon as it is over the cap', () => {
  const decoder = new Decoder();
  const chunk = Buffer.alloc(64 * 1024, 0x20);
  for (let pushed = 0; pushed < maxFrame; pushed += chunk.length) {
    expect(decoder.push(Buffer.from(chunk))).toEqual([]);
  }
  expect(() => decoder.push(Buffer.from(' '))).toThrow(/262144 bytes/u);
});

test('the attachments of one message share a cap', () => {
  const bytes = encode({}, [Buffer.alloc(60), Buffer.alloc(50)]);
  expect(() => decode([Buffer.from(bytes)], new Decoder({ attachments: 100 }))).toThrow(
    /100 bytes/u,
  );
  expect(decode([Buffer.from(bytes)], new Decoder({ attachments: 110 }))).toHaveLength(1);
});

test('a chunk keeps nothing of the attachments that were read from it', () => {
  const secret = Buffer.from('correct horse battery staple');
  const chunk = Buffer.concat([encode({ a: 1 }, [secret]), encode({ b: 2 })]);
  const [frame] = new Decoder().push(chunk);
  expect(frame?.attachments[0]).toEqual(secret);
  expect(chunk.includes('correct')).toBe(false);
  expect(frame?.attachments[0]?.buffer.byteLength).toBe(secret.length);
});

test('a stream that breaks leaves nothing of the attachments before the break', () => {
  const secret = Buffer.from('correct horse battery staple');
  const decoder = new Decoder();
  const chunk = Buffer.concat([encode({ a: 1 }, [secret]), line('broken')]);
  expect(() => decoder.push(chunk)).toThrow(BrokerError);
  expect(chunk.includes('correct')).toBe(false);
});

test('partial tells whether something of a message is there', () => {
  const decoder = new Decoder();
  const seen: boolean[] = [];
  for (const byte of encode({}, [Buffer.from('ab')])) {
    decoder.push(Buffer.from([byte]));
    seen.push(decoder.partial);
  }
  expect(seen.pop()).toBe(false);
  expect(new Set(seen)).toEqual(new Set([true]));
});

test('a message has 64 attachments at most', () => {
  const attachments = Array.from({ length: maxAttachmentCount }, () => Buffer.of(1));
  const bytes = encode({}, attachments);
  expect(decode([bytes])[0]?.attachments).toHaveLength(64);
  expect(() => encode({}, [...attachments, Buffer.of(1)])).toThrow(RangeError);
});
