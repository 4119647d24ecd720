/**
 * The grammar of references, pure: no file, no clock, no environment.
 *
 *     reference = "$<" body ">" | "${" body "}"        escape: "$$<" and "$${"
 *     body      = NAME [":-" default] | backend ":" path ["#" field] ["@" version]
 *     NAME      = [A-Za-z_][A-Za-z0-9_]{0,127}         path segments: [A-Za-z0-9._-]+, never "." or ".."
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

/** Literal text and references in turn. Text that does not fit the grammar is literal. */
export type Template = readonly (string | Reference)[];

/**
 * Which forms count: `both` anywhere (`--env`, `servers:`, `--from`); `inherited`: `$<…>` anywhere,
 * `${NAME}` only as the whole text; `angle`: only `$<…>` (arguments).
 */
export type Forms = 'both' | 'inherited' | 'angle';

export declare function parseTemplate(text: string, forms: Forms): Template;

/** The canonical text, always in the `$<…>` form and without a default: equal for equal references. */
export declare function formatReference(reference: Reference): string;

/** One pass: the template's text with each reference replaced. What is put in is never read again. */
export declare function substitute(template: Template, value: (reference: Reference) => string): string;

export declare function isVariableName(name: string): boolean;
