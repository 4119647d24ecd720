/** The options of a program, as far as it has to be known where they end. */
export interface Grammar {
  /** With a value: the next argument, or what follows `=`. Of one letter, in clusters: `-Ivalue` too. */
  readonly values: ReadonlySet<string>;
  /** With the next argument as their value, if that does not look like an option. */
  readonly optional?: ReadonlySet<string>;
  /** Without a value. */
  isFlag(name: string): boolean;
  /** `-abc` is `-a -b -c`. */
  readonly clusters?: boolean;
  /** Those after which everything is for what they name (`python -m NAME …`). */
  readonly last?: ReadonlySet<string>;
}

export interface Option {
  readonly name: string;
  readonly value?: string;
}

export interface Scan {
  readonly options: readonly Option[];
  /** From the first argument that is none on. */
  readonly rest: readonly string[];
  /** An option that is not known: what follows it is not to be guessed. */
  readonly unknown?: string;
}

export function scan(args: readonly string[], grammar: Grammar): Scan {
  const options: Option[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--') return { options, rest: args.slice(at + 1) };
    if (!arg.startsWith('-') || arg === '-') return { options, rest: args.slice(at) };
    for (const { name, value } of split(arg, grammar)) {
      if (value !== undefined) {
        options.push({ name, value });
      } else if (takesNext(name, args[at + 1], grammar)) {
        const next = args[++at];
        options.push(next === undefined ? { name } : { name, value: next });
      } else if (grammar.optional?.has(name) === true || grammar.isFlag(name)) {
        options.push({ name });
      } else {
        return { options, rest: [], unknown: name };
      }
      if (grammar.last?.has(name) === true) return { options, rest: args.slice(at + 1) };
    }
  }
  return { options, rest: [] };
}

function takesNext(name: string, next: string | undefined, grammar: Grammar): boolean {
  if (grammar.values.has(name)) return true;
  return grammar.optional?.has(name) === true && next !== undefined && !next.startsWith('-');
}

/** What one argument says: one option, or a cluster of letters of which the last may have a value. */
function split(arg: string, grammar: Grammar): Option[] {
  if (!arg.startsWith('--') && grammar.clusters === true) {
    const options: Option[] = [];
    for (let at = 1; at < arg.length; at++) {
      const name = `-${arg.charAt(at)}`;
      const value = arg.slice(at + 1);
      if (grammar.values.has(name) && value !== '') return [...options, { name, value }];
      options.push({ name });
    }
    return options;
  }
  const equals = arg.indexOf('=');
  if (equals === -1) return [{ name: arg }];
  // Whatever it is: it holds its value itself.
  return [{ name: arg.slice(0, equals), value: arg.slice(equals + 1) }];
}

/** The value of the last of these options. */
export function valueOf({ options }: Scan, ...names: readonly string[]): string | undefined {
  return valuesOf(options, names).at(-1);
}

export function valuesOf(options: readonly Option[], names: readonly string[]): readonly string[] {
  return options.flatMap(({ name, value }) =>
    value !== undefined && names.includes(name) ? [value] : [],
  );
}

export function has({ options }: Scan, ...names: readonly string[]): boolean {
  return options.some(({ name }) => names.includes(name));
}

export function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
