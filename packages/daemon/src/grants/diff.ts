import type {
  Change,
  InheritedVariable,
  LaunchDescription,
  LaunchVariable,
} from '../protocol/approvals.ts';

type Row = readonly [field: string, before: string | undefined, after: string | undefined];

/** How a launch differs from one that was approved before, field by field. */
export function changes(before: LaunchDescription, after: LaunchDescription): readonly Change[] {
  const rows: Row[] = [
    ...argvRows(before.argv, after.argv),
    ['references in arguments', yesNo(before.allowArgs), yesNo(after.allowArgs)],
    ...fileRows(before, after),
    ...packageRows(before, after),
    ...keyedRows(before.environment, after.environment, ({ name, value, origin }) => [
      [`environment ${name}`, value],
      [`origin of environment ${name}`, origin],
    ]),
    ...keyedRows(before.inherited, after.inherited, (variable) => [
      [`inherited ${variable.name}`, inheritedText(variable)],
    ]),
    ['PATH', before.searchPath, after.searchPath],
    ['working folder', before.workingDirectory, after.workingDirectory],
    ['origin of the entry', before.origin, after.origin],
    ...keyedRows(before.variables, after.variables, variableFields),
  ];
  return rows
    .filter(([, old, now]) => old !== now)
    .map(([field, old, now]) => ({ field, before: old ?? null, after: now ?? null }));
}

function argvRows(before: readonly string[], after: readonly string[]): Row[] {
  return longest(before, after).map((_, at) => [
    at === 0 ? 'command' : `argument ${at}`,
    before[at],
    after[at],
  ]);
}

function fileRows(
  { files: before }: LaunchDescription,
  { files: after }: LaunchDescription,
): Row[] {
  return longest(before, after).flatMap((_, at): Row[] => [
    [`file ${at + 1}`, before[at]?.path, after[at]?.path],
    [`role of file ${at + 1}`, before[at]?.role, after[at]?.role],
    [`digest of file ${at + 1}`, before[at]?.digest, after[at]?.digest],
  ]);
}

function packageRows(
  { package: before }: LaunchDescription,
  { package: after }: LaunchDescription,
): Row[] {
  return [
    ['package runner', before?.runner, after?.runner],
    ['package', before?.name, after?.name],
    ['pinned package version', before?.pinned, after?.pinned],
    ['package version', before?.installed, after?.installed],
  ];
}

function variableFields({ reference, ...at }: LaunchVariable): [string, string][] {
  return [
    [`variable ${reference}`, reference],
    [`backend of ${reference}`, at.backend],
    [`kind of backend of ${reference}`, at.kind],
    [`origin of ${reference}`, at.origin],
    [`locator of ${reference}`, at.locator],
  ];
}

/** Rows of what has a name instead of a place: those of both sides, each field once. */
function keyedRows<Item>(
  before: readonly Item[],
  after: readonly Item[],
  fields: (item: Item) => [field: string, text: string][],
): Row[] {
  const old = new Map(before.flatMap(fields));
  const now = new Map(after.flatMap(fields));
  return [...new Set([...old.keys(), ...now.keys()])].map((field) => [
    field,
    old.get(field),
    now.get(field),
  ]);
}

function inheritedText({ value, digest }: InheritedVariable): string {
  return value ?? `sha256:${digest}`;
}

function longest<Item>(a: readonly Item[], b: readonly Item[]): readonly Item[] {
  return a.length > b.length ? a : b;
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
