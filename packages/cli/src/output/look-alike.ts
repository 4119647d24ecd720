import { quote } from './terminal.ts';

/**
 * What a name is made of when it is not what it reads as: a letter of another script in a Latin word, a
 * word of another script that reads as a Latin one, a form of a letter or sign that has its own code
 * point, a mark upon a plain letter, and what has no width. A word of one script, or of Latin beside
 * Chinese, Japanese or Korean, is what it is.
 *
 * Loaded with the commands that show requests, and not with a launch: its classes take time to build.
 */

/** A word, with all that may hide in one. */
const word = /[\p{L}\p{M}\p{N}\p{Default_Ignorable_Code_Point}_]+/gu;

const latin = /\p{Script=Latin}/u;
/** Letters that stand beside Latin ones in ordinary text. */
const neighbour =
  /\p{Script=Latin}|\p{Script=Common}|\p{Script=Inherited}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Script=Bopomofo}/u;

/** Scripts whose letters look like those of each other. */
const kindred = [
  /\p{Script=Greek}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Armenian}/u,
  /\p{Script=Coptic}/u,
  /\p{Script=Cherokee}/u,
  /\p{Script=Lisu}/u,
] as const;

/** Letters of other scripts that look like a Latin one: a word of these alone reads as Latin. */
const twins: ReadonlySet<string> = new Set(
  Array.from(
    'АВЕЅІЈКМНОРСТУХҮԌԚԜӀаеѕіјорсухһԁԛԝӏ' +
      'ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγικνορυχϲϳ' +
      'ՏՍՕօոսհցզ' +
      'ᎪᏴᏟᎠᎬᎳᎻᎫᏦᏞᎷᏢᎡᏚᎢᏙᏃᎥ',
  ),
);

/**
 * Latin letters that pass for others (dotless i and j, clicks, phonetic letters), and signs that pass for
 * hyphens, slashes, colons, quotes, stars and the space.
 */
const disguised = new RegExp(
  [
    '[\\u0131\\u0237\\u01c0-\\u01c3\\u0250-\\u02ff\\u1d00-\\u1d7f\\ua700-\\ua7ff',
    '\\u2010-\\u2015\\u2043\\u2212\\u2044\\u2215\\u2216\\u29f5\\u29f8\\u0589\\u05c3\\u2236',
    '\\u2018-\\u201f\\u2032-\\u2037\\u204e\\u2217\\u2800]',
  ].join(''),
  'u',
);
const ignorable = /\p{Default_Ignorable_Code_Point}/u;
const asciiOnly = /^[\u0020-\u007e]+$/u;
/** A mark upon a letter or sign of ASCII that has no form of its own with it. */
const marked = /(?<=[\u0020-\u007e])\p{M}+|^\p{M}+/gu;

/** The code points as `U+0430`, each once. */
export function lookAlikes(text: string): string[] {
  // Most text that anybody shows.
  if (asciiOnly.test(text)) return [];
  const found = new Set<string>();
  for (const character of text) if (isDisguised(character)) found.add(character);
  for (const [letters] of text.matchAll(word)) {
    for (const letter of strangers(letters)) found.add(letter);
  }
  for (const [marks] of text.normalize('NFC').matchAll(marked)) {
    for (const character of marks) found.add(character);
  }
  return Array.from(found, codePoint);
}

/** Quoted and escaped, and marked behind the quotes where it has look-alikes; they cannot be typed there. */
export function quoteMarked(text: string): string {
  return `${quote(text)}${mark(text)}`;
}

/** Empty, or ` <look-alike: contains U+0430>`; the first few of many. */
export function mark(text: string): string {
  const found = lookAlikes(text);
  if (found.length === 0) return '';
  const more = found.length > named ? `, and ${found.length - named} more` : '';
  return ` <look-alike: contains ${found.slice(0, named).join(', ')}${more}>`;
}

const named = 8;

function isDisguised(character: string): boolean {
  if (asciiOnly.test(character)) return false;
  if (ignorable.test(character) || disguised.test(character)) return true;
  // Full-width, mathematical, circled, Roman numerals, ligatures: forms of ASCII with a code of their own.
  return asciiOnly.test(character.normalize('NFKC'));
}

/** The letters of a word that are there to be taken for others. */
function strangers(letters: string): readonly string[] {
  const all = Array.from(letters).filter((letter) => /\p{L}/u.test(letter));
  const foreign = all.filter((letter) => !neighbour.test(letter));
  if (foreign.length === 0) return [];
  if (all.some((letter) => latin.test(letter))) return foreign;
  const scripts = kindred.filter((script) => foreign.some((letter) => script.test(letter)));
  const reads = all.every((letter) => twins.has(letter));
  return scripts.length > 1 || reads ? foreign : [];
}

function codePoint(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  return `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
}
