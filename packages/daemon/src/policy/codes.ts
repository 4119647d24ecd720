import { randomInt, timingSafeEqual } from 'node:crypto';
import { BrokerError } from '@mcp-broker/providers/errors';
import { deadline, isOver, type Clock, type Deadline } from '../clock.ts';

/** Without the letters and digits that look alike. */
const alphabet = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';
const validForMs = 10 * 60 * 1000;
const maxIssued = 256;

/** Codes that a person reads beside what it stands for, and types. */
export interface Codes {
  /**
   * A code to be typed once, on the connection that showed the subject: exactly what a person decides
   * on. It takes the place of the one that the connection had.
   */
  issue(subject: string, connection: number): string;
  /** Right or wrong, the connection's code is spent. Throws `ERR_PRESENCE`. */
  check(subject: string, connection: number, typed: string): void;
}

export function createCodes(clock: Clock): Codes {
  const issued = new Map<number, { code: string; subject: string; until: Deadline }>();

  return {
    issue(subject, connection) {
      issued.delete(connection);
      // In the order of issue, so those that are over come first.
      for (const [other, { until }] of issued) {
        if (!isOver(until, clock) && issued.size < maxIssued) break;
        issued.delete(other);
      }
      const code = randomCode();
      issued.set(connection, { code, subject, until: deadline(clock, validForMs) });
      return code;
    },
    check(subject, connection, typed) {
      const found = issued.get(connection);
      issued.delete(connection);
      const expected = Buffer.from(found?.code ?? '    ');
      const given = Buffer.from(typed.trim().toUpperCase());
      const isEqual = given.length === expected.length && timingSafeEqual(given, expected);
      if (isEqual && found?.subject === subject && !isOver(found.until, clock)) return;
      throw new BrokerError('ERR_PRESENCE', 'the code was not typed right', {
        hint: 'start the command again: it shows another code, which is good once',
      });
    },
  };
}

/** Four characters: also what a request and a grant are called by. */
export function randomCode(): string {
  return Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join('');
}

/** One that is not taken yet. */
export function unusedCode(isTaken: (code: string) => boolean): string {
  for (;;) {
    const code = randomCode();
    if (!isTaken(code)) return code;
  }
}
