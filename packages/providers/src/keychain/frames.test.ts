import { expect, test } from 'vitest';
import { createFrameReader, encodeFrame, type HelperRequest } from './frames.ts';

const request: HelperRequest = { id: 1, action: 'put', service: 'ä/"', name: '\n' };

test.each([1, 2, 3, 7, 1000])('frames come whole out of pieces of %i bytes', (size) => {
  const body = Buffer.from([0, 255, 10]);
  const stream = Buffer.concat([encodeFrame(request, body), encodeFrame({ ...request, id: 2 })]);
  const got: [number, Buffer][] = [];
  const read = createFrameReader<HelperRequest>((header, bytes) => got.push([header.id, bytes]));
  for (let at = 0; at < stream.length; at += size) read(stream.subarray(at, at + size));
  expect(got).toEqual([
    [1, body],
    [2, Buffer.alloc(0)],
  ]);
  expect(
    stream.every((byte) => byte === 0),
    'what came in is wiped',
  ).toBe(true);
});

test('a length that is none is refused', () => {
  const read = createFrameReader(() => undefined);
  expect(() => read(Buffer.from('HTTP/1.1'))).toThrow(RangeError);
});
