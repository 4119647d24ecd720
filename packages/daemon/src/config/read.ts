import { isUtf8 } from 'node:buffer';
import { BrokerError } from '@mcp-broker/providers/errors';
import { readOwnFile } from '@mcp-broker/providers/safe-open';
import { absentConfig, parseConfig } from './parse.ts';
import type { LoadedConfig } from './types.ts';

const maxBytes = 1024 * 1024;

/**
 * Opens without following links, checks kind, owner, mode and size, and parses the very bytes read. No
 * file: the defaults. Throws `ERR_INSECURE_FILE`, `ERR_CORRUPT` (cannot be read, too large) and
 * `ERR_CONFIG`.
 */
export function readConfig(file: string): LoadedConfig {
  const text = readConfigText(file);
  return text === undefined ? absentConfig() : parseConfig(text, file);
}

/** The text alone, read and refused in the same way; undefined when there is no file. */
export function readConfigText(file: string): string | undefined {
  const bytes = readOwnFile(file, { what: 'config file', maxBytes });
  return bytes === undefined ? undefined : decode(bytes, file);
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // The cause would be of no use: it does not say where.
    throw new BrokerError('ERR_CONFIG', `${file}: line ${badLine(bytes)}: this is not UTF-8 text`, {
      hint: `edit ${file}, then run: mcp config check`,
      subject: file,
    });
  }
}

/** No byte of a longer UTF-8 sequence is a line feed, so that lines can be tried one by one. */
function badLine(bytes: Uint8Array): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, start);
    const next = end === -1 ? bytes.length : end + 1;
    if (!isUtf8(bytes.subarray(start, next))) return line;
    start = next;
  }
  return line;
}
