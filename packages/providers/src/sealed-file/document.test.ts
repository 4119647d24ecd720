import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { BrokerError } from '../errors.ts';
import { parseDocument, serializeDocument } from './document.ts';
import { cutValues } from './scan.ts';

/** Base64 of a value that no error may show. */
const canary = Buffer.from('canary-of-the-document').toString('base64');

function read(text: string): ReturnType<typeof parseDocument> {
  return parseDocument(Buffer.from(text), '/home/secrets.age');
}

function problemOf(bytes: Uint8Array): BrokerError {
  try {
    parseDocument(bytes, '/home/secrets.age');
  } catch (error) {
    if (error instanceof BrokerError) return error;
    throw error;
  }
  throw new Error('it was read');
}

test('what is written is read again, with all that others have put in', () => {
  const text = `{
    "version": 1, "note": ["any", {"thing": null}],
    "secrets": {
      "A": {"value": "${canary}", "version": 7, "created": "2026-01-31T12:00:00Z", "tags": {"value": "x"}},
      "B": {"owner": "\\u00e4 \\"quoted\\"", "value": ""}
    }}`;
  const once = serializeDocument(read(text));
  expect(JSON.parse(once.toString())).toEqual(JSON.parse(text));
  expect(serializeDocument(parseDocument(once, '')).equals(once)).toBe(true);
});

test('an empty document is read and written', () => {
  const text = '{\n  "version": 1,\n  "secrets": {}\n}\n';
  expect(serializeDocument(read(text)).toString()).toBe(text);
});

test('no value is part of the text that becomes a string', () => {
  const { rest, values } = cutValues(
    Buffer.from(`{"version":1,"secrets":{"A":{"v\\u0061lue":"${canary}","x":{"value":"kept"}}}}`),
  );
  expect(rest).toBe('{"version":1,"secrets":{"A":{"v\\u0061lue":"","x":{"value":"kept"}}}}');
  expect(Buffer.from(values.get('A') ?? []).toString()).toBe(canary);
});

const item = `{"value":"${canary}"}`;
const secrets = (text: string): string => `{"version":1,"secrets":${text}}`;

test.each([
  ['', 'line 1: not a value'],
  ['null', 'the document is not an object'],
  ['[]', 'the document is not an object'],
  [`"${canary}"`, 'the document is not an object'],
  [canary, 'line 1: not a value'],
  ['{}', 'version is not 1'],
  [`{"version":2,"secrets":{"A":${item}}}`, 'version is not 1'],
  [`{"version":"1","secrets":{"A":${item}}}`, 'version is not 1'],
  ['{"version":1}', 'secrets is not an object'],
  [secrets(`[${item}]`), 'secrets is not an object'],
  [secrets(`{"A":"${canary}"}`), 'secrets.A is not an object'],
  [secrets('{"A":{}}'), 'secrets.A has no value'],
  [secrets('{"A":{"value":7}}'), 'line 1: a value of secrets is not a string'],
  [secrets(`{"A":{"value":["${canary}"]}}`), 'line 1: a value of secrets is not a string'],
  [secrets(`{"A":{"value":${canary}}}`), 'line 1: a value of secrets is not a string'],
  [secrets(`{"A":{"value":"${canary.slice(1)}"}}`), 'secrets.A.value is not base64'],
  [secrets('{"A":{"value":"canary\\u0041"}}'), 'secrets.A.value is not base64'],
  [
    secrets(`{"A":{"value":"${canary}","version":0}}`),
    'secrets.A.version is not a number from 1 on',
  ],
  [
    secrets(`{"A":{"value":"${canary}","version":"1"}}`),
    'secrets.A.version is not a number from 1 on',
  ],
  [
    secrets(`{"A":{"value":"${canary}","created":"yesterday"}}`),
    'secrets.A.created is not a time such as 2026-01-31T12:00:00Z',
  ],
  [secrets(`{"${canary}":${item}}`), 'secrets holds a name that is not letters, digits and _'],
  [secrets(`{"":${item}}`), 'secrets holds a name that is not letters, digits and _'],
  [secrets(`{"1A":${item}}`), 'secrets holds a name that is not letters, digits and _'],
  [
    secrets(`{"${'A'.repeat(129)}":${item}}`),
    'secrets holds a name that is not letters, digits and _',
  ],
  [secrets(`{"A":${item},\n"A":${item}}`), 'line 2: a key stands twice'],
  [secrets(`{"A":${item},"\\u0041":${item}}`), 'line 1: a key stands twice'],
  [secrets(`{"A":{"value":"${canary}","value":"${canary}"}}`), 'line 1: a key stands twice'],
  [`{"version":1,"version":1,"secrets":{}}`, 'line 1: a key stands twice'],
  [secrets(`{"__proto__":${item}}`), 'line 1: a key is __proto__'],
  [`{"version":1,"__pr\\u006fto__":{},"secrets":{}}`, 'line 1: a key is __proto__'],
  [secrets(`{"A":{"value":"${canary}\n"}}`), 'line 1: a string does not end'],
  [`\n\n{"version":1,"secrets":{"A":{"value":"${canary}`, 'line 3: a string does not end'],
  [`{"version":1,"secrets":{"A":${item}}`, 'line 1: , or the end expected'],
  [`{"version":1,"secrets":{"A":${item},}}`, 'line 1: " expected'],
  [`{"version":1,"secrets":{"A" ${item}}}`, 'line 1: : expected'],
  [`${secrets(`{"A":${item}}`)}x`, 'line 1: something follows the document'],
  [`{"version":1,"x":tru,"secrets":{"A":${item}}}`, 'is not valid JSON'],
  [`{"version":01,"secrets":{"A":${item}}}`, 'is not valid JSON'],
  [`{"version":1,"x":"\\q","secrets":{"A":${item}}}`, 'is not valid JSON'],
  [`{"version":1,"\\q":1,"secrets":{"A":${item}}}`, 'line 1: a key is not valid'],
  [`{"version":1,"x":${'['.repeat(100)}${']'.repeat(100)},"secrets":{}}`, 'line 1: too deep'],
  [`\uFEFF${secrets('{}')}`, 'line 1: not a value'],
])('%j is refused', (text, problem) => {
  const error = problemOf(Buffer.from(text));
  expect(error.code).toBe('ERR_CORRUPT');
  expect(error.message).toBe(`/home/secrets.age: ${problem}`);
  expect(error.cause).toBeUndefined();
  for (const shown of [inspect(error, { showHidden: true }), JSON.stringify(error.toShape())]) {
    expect(shown).not.toContain(canary.slice(1, 12));
  }
});

test('bytes that are not UTF-8 are refused, in a key and elsewhere', () => {
  for (const text of [
    '{"version":1,"\xFF":1,"secrets":{}}',
    '{"version":1,"a":"\xFF","secrets":{}}',
  ]) {
    expect(problemOf(Buffer.from(text, 'latin1')).message).toMatch(/: line 1: not UTF-8$/);
  }
});

test('a document cut or changed anywhere is read whole or refused as corrupt', () => {
  const text = Buffer.from(secrets(`{"A":${item},"B":{"value":"","n":[1,-2.5e3,true]}}`));
  for (let at = 0; at < text.length; at += 1) {
    expect(problemOf(text.subarray(0, at)).code).toBe('ERR_CORRUPT');
    for (const byte of [0x00, 0x22, 0x5c, 0x7b, 0x7d, 0x2c, 0xff]) {
      const changed = Buffer.from(text);
      changed[at] = byte;
      let outcome = 'read';
      try {
        parseDocument(changed, '');
        JSON.parse(changed.toString());
      } catch (error) {
        outcome = error instanceof BrokerError ? error.code : 'read what JSON refuses';
      }
      expect(['read', 'ERR_CORRUPT']).toContain(outcome);
    }
  }
});
