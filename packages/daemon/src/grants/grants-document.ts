import { timingSafeEqual } from 'node:crypto';
import type { Grant } from './grant.ts';

/**
 * One JSON object, a grant a line, whose last member is the MAC over every byte before it:
 *
 *     {"version":1,"id":"…","generation":7,"grants":[
 *     {…},
 *     {…}
 *     ],
 *     "mac":"…"}
 */
export interface GrantsDocument {
  /** Random, of one environment of one home. */
  readonly id: string;
  readonly generation: number;
  readonly grants: readonly Grant[];
}

type Mac = (body: Uint8Array) => Buffer;

const ending = /^"mac":"(?<mac>[0-9a-f]{64})"\}\n$/u;
const endingLength = 74;

export function serializeGrants({ id, generation, grants }: GrantsDocument, mac: Mac): Buffer {
  const head = JSON.stringify({ version: 1, id, generation }).slice(0, -1);
  const lines = grants.map((grant) => JSON.stringify(grant)).join(',\n');
  const body = Buffer.from(`${head},"grants":[\n${lines}\n],\n`);
  return Buffer.concat([body, Buffer.from(`"mac":"${mac(body).toString('hex')}"}\n`)]);
}

/** Nothing is read of what the MAC does not cover. */
export function parseGrants(bytes: Buffer, mac: Mac): GrantsDocument | 'edited' | 'unreadable' {
  const body = bytes.subarray(0, Math.max(0, bytes.length - endingLength));
  const found = ending.exec(bytes.subarray(body.length).toString('latin1'))?.groups?.['mac'];
  if (found === undefined) return 'unreadable';
  if (!timingSafeEqual(Buffer.from(found, 'hex'), mac(body))) return 'edited';
  try {
    const { version, id, generation, grants } = JSON.parse(bytes.toString()) as {
      readonly [key: string]: unknown;
    };
    if (version !== 1 || typeof id !== 'string' || !Number.isSafeInteger(generation)) {
      return 'unreadable';
    }
    if (!Array.isArray(grants) || !grants.every(isGrant)) return 'unreadable';
    return { id, generation: Number(generation), grants };
  } catch {
    return 'unreadable';
  }
}

/** We wrote it, as the MAC says: this tells another version of us. */
function isGrant(value: unknown): value is Grant {
  if (typeof value !== 'object' || value === null) return false;
  const { id, outcome, fingerprint, lifetime, since, until, references, launch } =
    value as Partial<Grant>;
  return (
    typeof id === 'string' &&
    (outcome === 'allowed' || outcome === 'denied') &&
    typeof fingerprint === 'string' &&
    (lifetime === 'always' ? until === undefined : lifetime === 'duration' && isTime(until)) &&
    isTime(since) &&
    Array.isArray(references) &&
    typeof launch === 'object'
  );
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}
