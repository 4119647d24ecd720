import { BrokerError } from '@mcp-broker/providers/errors';
import { hasReference } from '../reference.ts';
import type { SchemaNode } from './json-schema.ts';
import type { Path } from './problem.ts';
import { isSecretKey } from './secret-keys.ts';

/**
 * What was typed for a key as the value that the file is to hold: JSON for a list or a mapping, a number or
 * `true` where the key takes one, else the text itself. `null` is `undefined`: the key is taken away.
 * Throws `ERR_USAGE`, which does not repeat what was typed.
 */
export function readTyped(text: string, node: SchemaNode): unknown {
  if (text === 'null') return undefined;
  const types = new Set([node, ...(node.anyOf ?? [])].map(({ type }) => type));
  if (types.has('object') || types.has('array') || node.oneOf !== undefined) {
    return readJson(
      text,
      types.has('array') ? 'a list, such as ["a", "b"]' : 'a mapping, such as {"a": "b"}',
    );
  }
  if (types.has('boolean') && /^(true|false)$/.test(text)) return text === 'true';
  if ((types.has('integer') || types.has('number')) && /^-?\d{1,15}$/.test(text)) {
    return Number(text);
  }
  return text;
}

function readJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The cause would quote what was typed.
    throw new BrokerError('ERR_USAGE', `this key takes JSON: ${what}`, {
      hint: "in quotes for your shell: mcp config set KEY 'JSON'; or: mcp config edit",
    });
  }
}

/** The environment of a server holds references: a value under the name of a secret would be one. */
export function refusePlainSecrets(path: Path, value: unknown): void {
  if (typeof value === 'object' && value !== null) {
    for (const [name, below] of Object.entries(value)) refusePlainSecrets([...path, name], below);
    return;
  }
  const [section, server, env, name] = path;
  if (section !== 'servers' || env !== 'env' || typeof name !== 'string') return;
  if (typeof value !== 'string' || value === '' || !isSecretKey([name])) return;
  if (hasReference(value, 'both')) return;
  throw new BrokerError(
    'ERR_CONFIG',
    `${name} of server ${String(server)} would hold its value in plain text`,
    {
      hint: `mcp secret set ${name}, and here the reference: '$<${name}>'; change what you typed, the history of your shell has it`,
    },
  );
}
