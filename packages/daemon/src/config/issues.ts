import type * as z from 'zod/mini';
import { isPlainName, type Path, type Problem } from './problem.ts';
import { isSecretKey, secretProblem } from './secret-keys.ts';
import { suggest } from './suggest.ts';
import type { YamlFile } from './yaml.ts';

type Issue = z.core.$ZodIssue;

/** What zod found, in our words: its own may quote a value. */
export function problemsOf(issues: readonly Issue[], { data, lineOf }: YamlFile): Problem[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => unknownKey(issue, [...path, key]));
    return [{ path, line: lineOf(path), ...explain(issue, path, valueAt(data, path)) }];
  });

  function unknownKey({ message: known }: Issue, path: Path): Problem {
    const key = String(path.at(-1));
    const line = lineOf(path);
    if (isSecretKey(path)) return secretProblem(path, line);
    const meant = suggest(key, known.split(' '));
    return {
      path,
      line,
      message: `unknown key${meant === undefined ? '' : `: did you mean ${meant}?`}`,
    };
  }
}

type Explanation = Pick<Problem, 'message' | 'hint'>;

function explain(issue: Issue, path: Path, value: unknown): Explanation {
  switch (issue.code) {
    case 'invalid_type':
      return value === undefined
        ? { message: 'is missing' }
        : wrongType(issue.expected, path, value);
    case 'invalid_value':
      return { message: oneOf(issue.values.map(String), value) };
    case 'invalid_union':
      // `options` are those of `kind:`; other unions have a message of their own.
      return 'options' in issue && Array.isArray(issue.options)
        ? { message: oneOf(issue.options.map(String), value) }
        : { message: issue.message };
    case 'too_small':
      return {
        message: typeof value === 'number' ? `must be at least ${issue.minimum}` : issue.message,
      };
    case 'too_big':
      return { message: `must be at most ${issue.maximum}` };
    case 'invalid_key':
      return { message: issue.issues[0]?.message ?? 'is not a name' };
    case 'invalid_format':
    case 'custom':
      return { message: issue.message };
    case 'unrecognized_keys':
    case 'invalid_element':
    case 'not_multiple_of':
      break;
  }
  return { message: 'is not valid' };
}

function wrongType(expected: string, path: Path, value: unknown): Explanation {
  const isScalar = typeof value === 'number' || typeof value === 'boolean';
  switch (expected) {
    case 'string':
      return { message: isScalar ? 'must be text: put it in quotes' : 'must be text' };
    case 'int':
    case 'number':
      return { message: 'must be a whole number' };
    case 'boolean':
      return { message: 'must be true or false' };
    case 'array':
      return { message: 'must be a list' };
    default:
      break;
  }
  const [section, name] = path;
  // Somebody wrote the value itself where its description belongs.
  const isValue =
    section === 'variables' && path.length === 2 && (isScalar || typeof value === 'string');
  return {
    message: 'must hold keys of its own',
    ...(isValue && isPlainName(String(name)) ? { hint: `mcp secret set ${name}` } : {}),
  };
}

function oneOf(allowed: readonly string[], value: unknown): string {
  const [only, ...others] = allowed;
  const what =
    others.length === 0 ? `must be "${only}", in quotes` : `must be one of ${allowed.join(', ')}`;
  if (value === undefined) return `is missing: ${what}`;
  const meant =
    typeof value === 'string' && others.length > 0 ? suggest(value, allowed) : undefined;
  return meant === undefined ? what : `${what}: did you mean ${meant}?`;
}

export function valueAt(data: unknown, path: Path): unknown {
  return path.reduce(
    (value: unknown, part) =>
      typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined,
    data,
  );
}
