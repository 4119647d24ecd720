/** A word of a shell as it would be passed on: without its quotes, the last of which may be missing. */
export function unquote(word: string): string {
  const piece = /'([^']*)'?|"((?:\\.|[^"\\])*)"?|\\(.?)|([^'"\\]+)/gsu;
  return [...word.matchAll(piece)]
    .map(([, single, double, escaped, plain]) => {
      if (double !== undefined) return double.replaceAll(/\\([$`"\\])/gu, '$1');
      return single ?? escaped ?? plain ?? '';
    })
    .join('');
}
