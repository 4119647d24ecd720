import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { createGrownHome, unlockAnew, type Size } from './grown-home.ts';
import { compare, interleave, type Case } from './measure.ts';

const launch = ['true'] as const;
const reference = { TOKEN: '$<TOKEN>' };
const aim = '1.20 ×';

const sizes: readonly (readonly [name: string, size: Size])[] = [
  ['10 variables, 10 grants', { variables: 10, grants: 10, auditLines: 0 }],
  ['1,000 variables', { variables: 1000, grants: 10, auditLines: 0 }],
  ['10,000 variables', { variables: 10_000, grants: 10, auditLines: 0 }],
  ['1,000 grants', { variables: 10, grants: 1000, auditLines: 0 }],
  ['10,000 grants', { variables: 10, grants: 10_000, auditLines: 0 }],
  ['1,000,000 audit lines', { variables: 10, grants: 10, auditLines: 1_000_000 }],
];

/** What a launch costs in a home that has grown, beside one in a home that has just been made. */
export async function grownHome(runs = 40): Promise<string> {
  const homes: Home[] = [];
  try {
    for (const [, size] of sizes) homes.push(await createGrownHome(size, launch));
    await expectVerified(homes.at(-1));
    const cases = (suffix: string): Case[] =>
      homes.map(({ env }, index) => ({
        name: `${sizes[index]?.[0]}${suffix}`,
        command: [mcpCommand, 'exec', '--', ...launch],
        env: { ...env, ...reference },
      }));
    const tables = [table(cases(''), runs)];
    // From now on each launch reads its value from the sealed file.
    for (const home of homes) {
      appendFileSync(join(home.broker, 'config.yaml'), '  TOKEN: { ttl: 0s }\n');
      await unlockAnew(home);
    }
    tables.push(table(cases(', value not cached'), runs));
    return tables.join('\n\n');
  } finally {
    for (const home of homes) await home.remove();
  }
}

function table(cases: readonly Case[], runs: number): string {
  const aims = cases.slice(1).map(({ name }) => [name, aim] as const);
  return compare(interleave(cases, runs), Object.fromEntries(aims));
}

/** Its lines are what the product would have written. */
async function expectVerified(home: Home | undefined): Promise<void> {
  const { stdout } = expectSuccess(
    (await home?.mcp(['audit', 'verify'])) ?? { code: -1, stdout: '', stderr: 'no home' },
  );
  process.stdout.write(`  ${stdout}`);
}
