import { CST, Lexer } from 'yaml';

/** What stands at an offset of the text and why it cannot be read. */
export interface Refusal {
  readonly offset: number;
  readonly message: string;
}

/** A file of this size that is not made to do harm has far fewer. */
const maxTokens = 100_000;
/** The schema needs five levels; the parser's stack holds some hundreds. */
const maxFlowDepth = 16;
const maxIndent = 64;
const maxDashes = 8;

const tooDeep = 'nested too deep';
const opening = new Set<string>(['flow-map-start', 'flow-seq-start']);
const closing = new Set<string>(['flow-map-end', 'flow-seq-end']);

const refused: Readonly<Record<string, string>> = {
  alias: 'an alias (*name) cannot stand here; text that begins with * needs quotes',
  anchor: 'an anchor (&name) cannot stand here; text that begins with & needs quotes',
  tag: 'a tag (!name) cannot stand here; text that begins with ! needs quotes',
  'directive-line': 'a directive (%) cannot stand here',
  'explicit-key-ind': 'a key that begins with ? cannot stand here',
};

/**
 * Reads the tokens only, without building anything from them, and finds the first that a config file
 * has no use for and an attacker has. What passes is small and flat enough to be parsed.
 */
export function scanYaml(text: string): Refusal | undefined {
  const control = /[^\t\n\r\u0020-\u007e\u00a0-\u{10ffff}]|\r(?!\n)/u.exec(text);
  if (control !== null) {
    return { offset: control.index, message: 'a control character cannot stand here' };
  }
  const state = new Scan();
  for (const token of new Lexer().lex(text)) {
    const message = state.take(token);
    if (message !== undefined) return { offset: state.offset, message };
    state.offset += state.width(token);
  }
  return undefined;
}

const badEscape = 'a backslash in double quotes begins no known escape';

/** The parser makes an error of each one; in a megabyte of them that takes seconds. */
function hasBadEscape(token: string): boolean {
  const escapes =
    /\\(?:[0abtnvfe "/\\N_LP\t\r\n]|x[\da-f]{2}|u[\da-f]{4}|U(?:000[\da-f]|0010)[\da-f]{4}|(.|$))/gi;
  for (const [, bad] of token.matchAll(escapes)) if (bad !== undefined) return true;
  return false;
}

class Scan {
  offset = 0;
  #tokens = 0;
  #documents = 0;
  #flow = 0;
  #dashes = 0;
  #indent = '';
  #atLineStart = true;
  #scalarNext = false;

  /** The marks that the lexer adds for the parser are not part of the text. */
  width(token: string): number {
    return token === CST.DOCUMENT || token === CST.FLOW_END || token === CST.SCALAR
      ? 0
      : token.length;
  }

  /** What is wrong with the token, if anything. */
  take(token: string): string | undefined {
    if (++this.#tokens > maxTokens) return 'too much for a config file';
    if (this.#scalarNext) {
      this.#scalarNext = false;
      return undefined;
    }
    const type = CST.tokenType(token);
    if (type === 'double-quoted-scalar' && hasBadEscape(token)) return badEscape;
    if (type === 'newline') {
      this.#atLineStart = true;
      this.#indent = '';
      this.#dashes = 0;
      return undefined;
    }
    if (this.#atLineStart) {
      if (type === 'space') {
        this.#indent += token;
        return undefined;
      }
      this.#atLineStart = false;
      if (type !== 'comment' && this.#indent.includes('\t'))
        return 'a tab cannot indent: use spaces';
      if (type !== 'comment' && this.#indent.length > maxIndent) return tooDeep;
    }
    return this.#check(type);
  }

  #check(type: CST.TokenType | null): string | undefined {
    if (type === null) return undefined;
    if (type === 'scalar') this.#scalarNext = true;
    if (type === 'doc-mode' && ++this.#documents > 1) return 'a second document cannot stand here';
    if (type === 'seq-item-ind' && ++this.#dashes > maxDashes) return tooDeep;
    if (opening.has(type) && ++this.#flow > maxFlowDepth) return tooDeep;
    if (closing.has(type)) this.#flow = Math.max(0, this.#flow - 1);
    return refused[type];
  }
}
