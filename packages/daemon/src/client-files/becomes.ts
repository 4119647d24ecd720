/**
 * What a client makes of a reference of ours before `mcp exec` sees it. No client that we know touches `$<NAME>`;
 * docs/clients.md says what each replaces.
 */
export type Becomes =
  /** An empty text, unless the client's own environment has something of that name. */
  | 'nothing'
  /** What the client's own environment holds, if there is something; else it stays. */
  | 'another value';

interface Rule {
  readonly pattern: RegExp;
  readonly becomes: Becomes;
}

const braced = /(?<!\$)\$\{[A-Za-z_]\w*(?::-[^{}]*)?\}/;

/** In the environment of an entry; by the names of `clientPlaces`. */
const rules: Readonly<Record<string, Rule>> = {
  // Its second pass; a default would stand in.
  Gemini: { pattern: /(?<![\\$])\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\})/, becomes: 'nothing' },
  'VS Code': { pattern: /\$\{env:[^{}]+\}/, becomes: 'nothing' },
  'Claude Code': { pattern: braced, becomes: 'another value' },
  'Copilot CLI': {
    pattern: /(?<!\$)\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\})/,
    becomes: 'another value',
  },
  // The names that its user has approved in the IDE, which no file that we read tells.
  Kiro: { pattern: braced, becomes: 'another value' },
};

/** Undefined: it reaches us as it stands. */
export function becomes(client: string, text: string): Becomes | undefined {
  const rule = Object.hasOwn(rules, client) ? rules[client] : undefined;
  return rule?.pattern.test(text) === true ? rule.becomes : undefined;
}
