import type { ClientServer } from './read.ts';

/** A text of an entry that holds a secret, or looks like it. What it holds is not said. */
export interface Plaintext {
  /** The keys that lead to it from the entry on. */
  readonly keys: readonly string[];
  /** What it belongs to: the name of the variable, header or option. */
  readonly name: string;
  readonly line: number | undefined;
  /** Whose tokens begin so; undefined: it is the name that tells, and a value that nobody would type. */
  readonly issuer: string | undefined;
}

/** By what their issuers put in front, so that they are found when they leak. The rest is not for a person to choose. */
const issued: readonly (readonly [issuer: string, pattern: RegExp])[] = [
  ['GitHub', /\b(?:gh[opsur]_[A-Za-z0-9]{30,}|github_pat_\w{22,})/],
  ['GitLab', /\bgl(?:pat|ptt|dt|rt|soat)-[\w-]{20,}/],
  [
    'Slack',
    /\bxox[abceoprs]-[\w-]{10,}|\bxapp-\d-[\w-]{10,}|hooks\.slack\.com\/services\/T\w+\/B\w+\/\w+/,
  ],
  ['Anthropic', /\bsk-ant-[\w-]{20,}/],
  ['OpenRouter', /\bsk-or-v1-[a-f0-9]{32,}/],
  ['OpenAI', /\bsk-(?:proj-|svcacct-|admin-)?(?=[\w-]*\d)[\w-]{32,}/],
  ['Google', /\bAIza[\w-]{35}|\bya29\.[\w-]{20,}|\bGOCSPX-[\w-]{20,}/],
  ['Stripe', /\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|\bwhsec_[A-Za-z0-9]{24,}/],
  ['npm', /\bnpm_[A-Za-z0-9]{36}/],
  ['PyPI', /\bpypi-[\w-]{50,}/],
  ['Hugging Face', /\bhf_[A-Za-z0-9]{30,}/],
  ['DigitalOcean', /\bdo[opr]_v1_[a-f0-9]{40,}/],
  ['SendGrid', /\bSG\.[\w-]{16,}\.[\w-]{32,}/],
  ['Notion', /\bntn_[A-Za-z0-9]{36,}|\bsecret_[A-Za-z0-9]{43}/],
  ['Linear', /\blin_(?:api|oauth)_[A-Za-z0-9]{32,}/],
  ['Figma', /\bfigd_[\w-]{32,}/],
  ['Atlassian', /\bATATT3[\w=-]{50,}|\bATCTT3[\w=-]{50,}/],
  ['Airtable', /\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}/],
  ['Tavily', /\btvly-[\w-]{20,}/],
  ['Brave', /\bBSA[\w-]{25,}/],
  ['Firecrawl', /\bfc-[a-f0-9]{32}/],
  ['Perplexity', /\bpplx-[A-Za-z0-9]{32,}/],
  ['Groq', /\bgsk_[A-Za-z0-9]{40,}/],
  ['xAI', /\bxai-[A-Za-z0-9]{40,}/],
  ['Replicate', /\br8_[A-Za-z0-9]{30,}/],
  ['Supabase', /\bsb(?:p_[a-f0-9]{40}|_secret_[\w-]{20,})/],
  ['Databricks', /\bdapi[a-f0-9]{32}/],
  ['Vault', /\bhv[sbr]\.[\w-]{24,}/],
  ['Doppler', /\bdp\.[a-z]{2}\.[A-Za-z0-9]{40,}/],
  ['Sentry', /\bsntry[su]_[\w=+/-]{40,}/],
  ['Postman', /\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}/],
  ['Apify', /\bapify_api_[A-Za-z0-9]{30,}/],
  ['Telegram', /\b\d{8,10}:AA[\w-]{33}\b/],
  ['age', /\bAGE-SECRET-KEY-1[0-9A-Z]{50,}/],
  ['a key file', /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
  ['a signed token', /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/],
  [
    'a login in an address',
    /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:(?!(?:password|passwd|pass|pwd|secret)@)[^\s/@]{3,}@/i,
  ],
];

/** The end of a name of what is a secret, in words: `API_KEY`, `X-Api-Key`, `apiKey`. */
const secretName =
  /(?:^|_)(?:token|secret|password|passwd|passphrase|pwd|pass|credentials?|authorization|bearer|pat|apikey|key|cookie|dsn)$/;
const chosenName = /(?:^|_)(?:password|passwd|passphrase|pwd|pass)$/;
/** Keys that are no secret: of tables, of what is signed for others to check, and identifiers. */
const publicName =
  /(?:^|_)(?:public|publishable|primary|foreign|sort|partition|host|cache|project|object|idempotency)_?key$/;

/** What stands there until somebody writes the real one. */
const placeholder =
  /x{4,}|\*{3,}|\.{3}|…|^<.*>$|\byour\b|(?:^|[^a-z])your[-_ ]|example|placeholder|change[-_ ]?me|replace|redacted|insert|(?:token|key|secret)[-_ ]here|dummy|todo|12345678|abcdefgh/i;

/**
 * Of a longer text the beginning counts: no token has more, and patterns like these take a time that grows with
 * the square of a text that is made for it.
 */
const mostLength = 2048;

/** Texts of one entry that hold what should be a reference. */
export function plaintextIn({ texts }: Pick<ClientServer, 'texts'>): readonly Plaintext[] {
  return texts.flatMap(({ keys, text, line }, index): readonly Plaintext[] => {
    const before = texts[index - 1];
    const follows = before !== undefined && keys.length === 2 && before.keys[0] === keys[0];
    const isWord = keys[0] === 'args' || keys[0] === 'command';
    const option = isWord && follows ? optionOf(before.text) : undefined;
    const start = text.slice(0, mostLength);
    const [name, value] = nameAndValue(keys, start, option);
    const rest = withoutReferences(start);
    const issuer = issuerOf(rest);
    if (issuer !== undefined || looksSecret(name, withoutReferences(value))) {
      return [{ keys, name, line, issuer }];
    }
    const within = secretWithin(rest);
    return within === undefined ? [] : [{ keys, name: within || name, line, issuer }];
  });
}

/** In a list of arguments the name stands in the text, or before it. */
function nameAndValue(
  keys: readonly string[],
  text: string,
  option: string | undefined,
): readonly [name: string, value: string] {
  const last = keys.at(-1) ?? '';
  if (!/^\d+$/.test(last)) return [last, text];
  // What ends in `=` alone is Base64.
  const [, name, value = ''] =
    /^-{0,2}([A-Za-z][\w.-]{0,63})(?:=(?!=?$)|:\s+)([^]+)$/.exec(text) ?? [];
  // Somebody may have written it the other way round: a name is shown.
  if (name !== undefined && issuerOf(name) === undefined) return [name, value];
  return [option ?? keys.slice(-2).join(' '), text];
}

/**
 * `name=value` and `name: value` wherever they stand: in JSON, in the query of an address, in a header. One may begin in
 * the value of another, as a query does in that of `https:`.
 */
const pieces =
  /(?<![\w.-])([A-Za-z][\w.-]{0,63})["']?\s{0,4}[:=]\s{0,4}["']?(?=((?:(?:Bearer|Basic|Token|ApiKey)\s{1,4})?[^\s"'&;,<>{}]+))/gi;
const bearer = /(?<![\w.-])(?:Bearer|Basic)\s{1,4}([\w.~+/=-]+)/i;

/** The name that a piece of it has, empty for one without; undefined: none looks like a secret. */
function secretWithin(text: string): string | undefined {
  for (const [, name = '', value = ''] of text.matchAll(pieces)) {
    if (isSecretName(name) && isUntyped(value)) return name;
  }
  return isUntyped(bearer.exec(text)?.[1] ?? '') ? '' : undefined;
}

/** `--api-key`, without its value. */
function optionOf(text: string): string | undefined {
  return /^--?([A-Za-z][\w-]*)$/.exec(text)?.[1];
}

/** Ours, and what clients replace. What is to stand in for one stands there; JSON has braces as well, and quotes. */
function withoutReferences(text: string): string {
  return text.replaceAll(
    /\$<[^<>]*>|\$?\{\{?[^{}"]*\}?\}|\$[A-Za-z_]\w*|%\w+%/g,
    (reference) => /:-([^]*?)[>}]+$/.exec(reference)?.[1] ?? '',
  );
}

/** The same text for a message: its beginning, without the tokens that are known by how they begin. */
export function withoutTokens(text: string): string {
  return issued.reduce(
    (shown, [, { source, flags }]) => shown.replaceAll(new RegExp(source, `${flags}g`), '[secret]'),
    text.length > mostLength ? `${text.slice(0, mostLength)}…` : text,
  );
}

function issuerOf(text: string): string | undefined {
  for (const [issuer, pattern] of issued) {
    const [found] = pattern.exec(text) ?? [];
    if (found !== undefined && !placeholder.test(found) && new Set(found).size > 8) return issuer;
  }
  return undefined;
}

function looksSecret(name: string, text: string): boolean {
  if (!isSecretName(name)) return false;
  return chosenName.test(inWords(name)) ? valueOf(text).length >= 6 : isUntyped(text);
}

function inWords(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
}

function isSecretName(name: string): boolean {
  const words = inWords(name);
  return secretName.test(words) && !publicName.test(words);
}

/** A value that nobody would type. */
function isUntyped(text: string): boolean {
  const value = valueOf(text);
  return value.length >= 12 && bitsOf(value) >= 36;
}

/** Empty for what is no secret. */
function valueOf(text: string): string {
  const value = text.replace(/^(?:Bearer|Basic|Token|ApiKey)\s+/i, '').trim();
  if (placeholder.test(value) || /\s/.test(value)) return '';
  // A file, an address or a switch.
  const isOther =
    /^(?:[~.]{0,2}\/|[A-Za-z]:\\|[a-z][a-z0-9+.-]*:\/\/|(?:true|false|none|null|yes|no|\d+)$)/i;
  return isOther.test(value) ? '' : value;
}

/** Of the text as if each of its characters was drawn by how often it occurs in it; less when it is one of words. */
function bitsOf(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  const all = [...counts.values()];
  const bits = all.reduce((sum, count) => sum - count * Math.log2(count / text.length), 0);
  const kinds = [/[a-z]/, /[A-Z]/, /\d/].filter((kind) => kind.test(text)).length;
  return kinds < 2 ? bits / 2 : bits;
}
