/**
 * The grammar of references, pure: no file, no clock, no environment.
 *
 *     reference = "$<" body ">" | "${" body "}"        escape: "$$<" and "$${"
 *     body      = NAME [":-" default] | backend ":" path ["#" field] ["@" version]
 *     NAME      = [A-Za-z_][A-Za-z0-9_]{0,127}
 *     default   = any text without the closing character, "$<" and "${"
 *     backend   = [a-z][a-z0-9-]*
 *     path      = part *("/" part), and does not begin with "-"
 *     field, version, part = [A-Za-z0-9._-]+, never "." or ".."
 *
 * Nothing nests. Text that does not fit is literal. An escape stands for its opener where that opener
 * counts, whatever follows: `$$<` is `$<`. Read from the left: `$$$<X>` is `$` and the literal `$<X>`.
 */
export type Reference =
  | { readonly kind: 'variable'; readonly name: string; readonly fallback?: string }
  | {
      readonly kind: 'locator';
      readonly backend: string;
      readonly path: string;
      readonly field?: string;
      readonly version?: string;
    };

/** Literal text and references in turn; no text is empty. */
export type Template = readonly (string | Reference)[];

/**
 * Which forms count: `both` anywhere (`--env`, `servers:`, `--from`); `inherited`: `$<…>` anywhere,
 * `${NAME}` and `${NAME:-default}` only as the whole text (so does their escape); `angle`: only `$<…>`
 * (arguments).
 */
export type Forms = 'both' | 'inherited' | 'angle';

const lessThan = 0x3c;
const brace = 0x7b;
const dollar = 0x24;

const variableName = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const variableBody = /^([A-Za-z_][A-Za-z0-9_]{0,127})(?::-([^]*))?$/;
const locatorBody =
  /^([a-z][a-z0-9-]*):(?!-)([A-Za-z0-9._/-]+)(?:#([A-Za-z0-9._-]+))?(?:@([A-Za-z0-9._-]+))?$/;
/** An empty, `.` or `..` part between slashes. */
const badPart = /(?:^|\/)\.{0,2}(?:\/|$)/;

/** Takes time linear in the text, and never throws. */
export function parseTemplate(text: string, forms: Forms): Template {
  let at = text.indexOf('$');
  if (at === -1) return text === '' ? [] : [text];
  if (forms === 'inherited') {
    const whole = parseWhole(text);
    if (whole !== undefined) return [whole];
  }

  const parts: (string | Reference)[] = [];
  let literal = '';
  let from = 0;
  while (at !== -1) {
    let end = at + 1;
    const next = text.charCodeAt(end);
    if (next === dollar) {
      if (opens(text.charCodeAt(at + 2), forms)) {
        literal += text.slice(from, at);
        from = at + 1;
        end = at + 3;
      }
    } else if (opens(next, forms)) {
      const close = findClose(text, at + 2, next === lessThan ? '>' : '}');
      const reference = close === -1 ? undefined : parseBody(text.slice(at + 2, close));
      if (reference !== undefined) {
        literal += text.slice(from, at);
        if (literal !== '') parts.push(literal);
        literal = '';
        parts.push(reference);
        from = end = close + 1;
      }
    }
    at = text.indexOf('$', end);
  }
  literal += text.slice(from);
  if (literal !== '') parts.push(literal);
  return parts;
}

/**
 * Whether the text holds a reference. Without one `substitute` still turns escapes into what they
 * stand for.
 */
export function hasReference(text: string, forms: Forms): boolean {
  if (!text.includes('$<') && (forms === 'angle' || !text.includes('${'))) return false;
  return parseTemplate(text, forms).some((part) => typeof part !== 'string');
}

/** The canonical text, always in the `$<…>` form and without a default: equal for equal references. */
export function formatReference(reference: Reference): string {
  if (reference.kind === 'variable') return `$<${reference.name}>`;
  const field = reference.field === undefined ? '' : `#${reference.field}`;
  const version = reference.version === undefined ? '' : `@${reference.version}`;
  return `$<${reference.backend}:${reference.path}${field}${version}>`;
}

/** One pass: the template's text with each reference replaced. What is put in is never read again. */
export function substitute(template: Template, value: (reference: Reference) => string): string {
  let text = '';
  for (const part of template) text += typeof part === 'string' ? part : value(part);
  return text;
}

export function isVariableName(name: string): boolean {
  return variableName.test(name);
}

function opens(code: number, forms: Forms): boolean {
  return code === lessThan || (code === brace && forms === 'both');
}

/** `${NAME}` as the whole of an inherited value, or its escape. */
function parseWhole(text: string): string | Reference | undefined {
  const escaped = text.startsWith('$${');
  if (!text.endsWith('}') || !(escaped || text.startsWith('${'))) return undefined;
  const start = escaped ? 3 : 2;
  if (findClose(text, start, '}') !== text.length - 1) return undefined;
  const reference = parseBody(text.slice(start, -1));
  if (reference?.kind !== 'variable') return undefined;
  return escaped ? text.slice(1) : reference;
}

/** Where the body ends, or -1. It stops at the next opener, so that no text is walked over twice. */
function findClose(text: string, start: number, close: '>' | '}'): number {
  const end = close.charCodeAt(0);
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === end) return at;
    if (code === dollar) {
      const next = text.charCodeAt(at + 1);
      if (next === lessThan || next === brace) return -1;
    }
  }
  return -1;
}

function parseBody(body: string): Reference | undefined {
  const variable = variableBody.exec(body);
  if (variable?.[1] !== undefined) {
    const [, name, fallback] = variable;
    return fallback === undefined
      ? { kind: 'variable', name }
      : { kind: 'variable', name, fallback };
  }
  const [, backend, path, field, version] = locatorBody.exec(body) ?? [];
  if (backend === undefined || path === undefined) return undefined;
  if ([path, field, version].some((part) => part !== undefined && badPart.test(part))) {
    return undefined;
  }
  return {
    kind: 'locator',
    backend,
    path,
    ...(field === undefined ? {} : { field }),
    ...(version === undefined ? {} : { version }),
  };
}
