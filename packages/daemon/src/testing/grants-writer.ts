import { writeSync } from 'node:fs';
import { systemClock } from '../clock.ts';
import { decision } from './grant-decision.ts';
import { grantsHome } from './grants-home.ts';

/**
 * Grants and takes back, from the number that comes on stdin, until it is killed or stdin ends: an odd
 * number is granted, an even one takes the one before it back. Each is told on stdout before (`start N`)
 * and once it has resolved (`done N`). Argument: the home.
 */
const { grants } = grantsHome({ home: process.argv[2] ?? '', clock: systemClock, identity: 7 });

writeSync(1, 'ready\n');
process.stdin.once('data', (first) => {
  void write(Number(first));
});
process.stdin.once('end', () => process.exit());

async function write(first: number): Promise<void> {
  await grants.load();
  for (let number = first; ; number += 1) {
    writeSync(1, `start ${number}\n`);
    if (number % 2 === 1) {
      await grants.add(
        decision('always', ['A'], { request: { server: `s${number}`, fingerprint: `f${number}` } }),
      );
    } else {
      await grants.revoke({ server: `s${number - 1}` });
    }
    writeSync(1, `done ${number}\n`);
  }
}
