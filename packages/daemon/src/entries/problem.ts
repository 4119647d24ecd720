import { BrokerError } from '@mcp-broker/providers/errors';
import { suggest } from '../config/suggest.ts';

/** Of a file that has more, these many names are told. */
const mostNames = 20;

/** What is wrong with a client's file: never what stands there, since that may be a secret. */
export function badFile(
  file: string,
  line: number | undefined,
  what: string,
  hint = `edit ${file}`,
): BrokerError {
  const where = line === undefined ? file : `${file}: line ${line}`;
  return new BrokerError('ERR_CONFIG', `${where}: ${what}`, {
    hint,
    subject: file,
  });
}

/** `more`: what else may have been meant. */
export function unknownName(
  name: string,
  file: string,
  names: readonly string[],
  more = '',
): BrokerError {
  const meant = suggest(name, names);
  const question = meant === undefined ? '' : `: did you mean ${meant}?`;
  return new BrokerError('ERR_NOT_FOUND', `${file} has no server ${name}${question}`, {
    hint: `${namesHint(file, names)}${more}`,
    subject: name,
  });
}

function namesHint(file: string, names: readonly string[]): string {
  if (names.length === 0) return `there is none in it: edit ${file}`;
  const shown = [...names].sort().slice(0, mostNames).join(', ');
  const rest = names.length - mostNames;
  return `its servers: ${shown}${rest > 0 ? `, and ${rest} more` : ''}`;
}
