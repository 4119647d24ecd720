import { BrokerError, type ErrorShape } from '@mcp-broker/providers/errors';

export type Path = readonly (string | number)[];

/** One thing that is wrong with the file. No text of it comes from a value in the file. */
export interface Problem {
  readonly path: Path;
  /** 1-based. */
  readonly line: number;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** More than a person reads at once; and a message has to fit into a frame. */
const shown = 20;

/** One `ERR_CONFIG` for all of them. */
export function configError(file: string, problems: readonly Problem[]): BrokerError {
  const ordered = [...problems].sort((a, b) => a.line - b.line);
  const edit = `edit ${file}, then run: mcp config check`;
  const shapes = ordered.slice(0, shown).map((problem): ErrorShape => {
    const where = formatPath(problem.path);
    return {
      code: 'ERR_CONFIG',
      message: describe(problem),
      hint: problem.hint ?? edit,
      ...(where === '' ? {} : { subject: where }),
    };
  });
  const [first, ...others] = shapes;
  if (first === undefined) throw new RangeError('no problems');
  const rest = ordered.length - shapes.length;
  const tail = rest === 0 ? '' : `; and ${rest} more`;
  const count = ordered.length === 1 ? '' : `${ordered.length} problems: `;
  const text = shapes.map((shape) => shape.message).join('; ');
  return new BrokerError('ERR_CONFIG', `${file}: ${count}${text}${tail}`, {
    hint: others.length === 0 ? first.hint : edit,
    subject: file,
    problems: shapes,
  });
}

function describe({ path, line, message }: Problem): string {
  const where = formatPath(path);
  return where === '' ? `line ${line}: ${message}` : `${where} (line ${line}): ${message}`;
}

/** `ssh_servers[2].port`. */
export function formatPath(path: Path): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${showName(part)}`))
    .join('')
    .replace(/^\./, '');
}

/**
 * A key as it may be shown. In `{password hunter2}`, where the colon is missing, the secret is part of
 * a key: what is not a plain name is not repeated.
 */
export function showName(name: string): string {
  return isPlainName(name) ? name : '?';
}

export function isPlainName(name: string): boolean {
  return /^[\w.-]{1,64}$/.test(name);
}
