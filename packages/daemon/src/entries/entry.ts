/** One piece of a text of an entry, after its client's own rules: what a reference is, the daemon reads. */
export type Piece =
  | { readonly kind: 'raw'; readonly text: string }
  /** What the client puts in. It is not read again. */
  | { readonly kind: 'fixed'; readonly text: string }
  /** A variable that the client takes from its own environment; `text` is how the file writes it. */
  | { readonly kind: 'inherited'; readonly name: string; readonly text: string };

/** One entry of a file, as its client would start it. */
export interface Entry {
  readonly command: readonly Piece[];
  readonly args: readonly (readonly Piece[])[];
  readonly env: readonly { readonly name: string; readonly text: readonly Piece[] }[];
  readonly cwd?: readonly Piece[];
  /** Which of the inherited variables the server gets. */
  readonly inherits: 'all' | ((name: string, value: string) => boolean);
  /** Those of them that it names: they count in the fingerprint, as what it sets does. */
  readonly named?: readonly string[];
  /** Where it comes from: a part of the fingerprint, and shown to a person. */
  readonly origin: string;
}

export function raw(text: string): readonly Piece[] {
  return text === '' ? [] : [{ kind: 'raw', text }];
}

/** What the client would make of it; what `valueOf` does not know is empty. */
export function textOf(
  pieces: readonly Piece[],
  valueOf: (name: string) => Uint8Array | undefined,
): string {
  const inherited = (name: string): string => Buffer.from(valueOf(name) ?? []).toString('utf8');
  return pieces
    .map((piece) => (piece.kind === 'inherited' ? inherited(piece.name) : piece.text))
    .join('');
}
