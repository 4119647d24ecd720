/** How deep objects and arrays may lie in each other. */
export const maxDepth: number = 64;

/** Why a text was refused; the message holds nothing of it. */
export class StrictJsonError extends Error {}

/**
 * Parses JSON that has one reading only. Refused besides what `JSON.parse` refuses: nesting deeper
 * than `maxDepth`, a key that stands twice in one object, `__proto__`, `constructor.prototype`, and an
 * escaped surrogate without its other half.
 *
 * @throws {StrictJsonError}
 */
export function parseStrict(text: string): unknown {
  inspect(text);
  try {
    return JSON.parse(text);
  } catch {
    // The engine's own message quotes the text, which may be anything.
    throw new StrictJsonError('it is not JSON');
  }
}

const quote = 0x22;
const comma = 0x2c;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** An object or array whose end has not come yet. */
interface Level {
  /** Those seen so far; an array has none. */
  readonly keys: Set<string> | undefined;
  /** The key whose value is being read. */
  key: string | undefined;
}

/**
 * Runs over the tokens ahead of the parser. It has to be right for valid JSON alone, since the parser
 * refuses the rest, but must end for any text, in a time that grows no faster than the text.
 */
function inspect(text: string): void {
  const levels: Level[] = [];
  let level: Level | undefined;
  // In an object a string is a key after `{` and `,`, and a value after `:`.
  let keyNext = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case openBrace:
        level = enter(levels, { keys: new Set(), key: undefined });
        keyNext = true;
        break;
      case openBracket:
        level = enter(levels, { keys: undefined, key: undefined });
        keyNext = false;
        break;
      case closeBrace:
      case closeBracket:
        levels.pop();
        level = levels.at(-1);
        keyNext = false;
        break;
      case comma:
        keyNext = level?.keys !== undefined;
        break;
      case quote: {
        const { end, escaped } = scanString(text, at);
        const value = escaped ? unescape(text.slice(at, end + 1)) : undefined;
        if (keyNext && level !== undefined) {
          addKey(level, levels.at(-2), value ?? text.slice(at + 1, end));
        }
        keyNext = false;
        at = end;
        break;
      }
      default:
    }
  }
}

function enter(levels: Level[], level: Level): Level {
  if (levels.length === maxDepth) throw new StrictJsonError(`it is nested deeper than ${maxDepth}`);
  levels.push(level);
  return level;
}

/** Finds the closing quote of the string that starts at `start`. */
function scanString(text: string, start: number): { end: number; escaped: boolean } {
  let escaped = false;
  for (let at = start + 1; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === quote) return { end: at, escaped };
    if (unit === backslash) {
      escaped = true;
      at += 1;
    }
  }
  throw new StrictJsonError('it is not JSON');
}

function unescape(token: string): string {
  let value: unknown;
  try {
    value = JSON.parse(token);
  } catch {
    throw new StrictJsonError('it is not JSON');
  }
  if (typeof value === 'string' && value.isWellFormed()) return value;
  throw new StrictJsonError('a string holds half a character');
}

function addKey(level: Level, outer: Level | undefined, key: string): void {
  if (level.keys?.has(key)) throw new StrictJsonError('a key stands twice in one object');
  if (key === '__proto__' || (key === 'prototype' && outer?.key === 'constructor')) {
    throw new StrictJsonError('a key reaches for a prototype');
  }
  level.keys?.add(key);
  level.key = key;
}
