import { type Identity, type Recipient, Stanza } from 'age-encryption';
import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';
import { joinSecrets, secretBytes } from '../secret-bytes.ts';
import { Refusal } from './age.ts';

/**
 * age's scrypt stanza (C2SP age.md, "scrypt recipient type") on bytes: the library's own takes the
 * passphrase as a string, which cannot be wiped. Both calls block for about a second.
 */

/** 2^18 rounds, 256 MiB: what `age -p` takes. */
const workFactor = 18;
/** 1 GiB. A file that asks for more would rather stop this process than open. */
const maxWorkFactor = 20;
const label = Buffer.from('age-encryption.org/v1/scrypt');
const saltLength = 16;
const fileKeyLength = 16;
const tagLength = 16;
/** Each key encrypts one thing. */
const nonce = secretBytes(12);

export function scryptRecipient(passphrase: Uint8Array): Recipient {
  return {
    wrapFileKey(fileKey) {
      const salt = randomBytes(saltLength);
      const key = derive(passphrase, salt, workFactor);
      const cipher = createCipheriv('chacha20-poly1305', key, nonce, {
        authTagLength: tagLength,
      });
      const body = joinSecrets([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
      key.fill(0);
      const saltText = salt.toString('base64').replace(/=+$/, '');
      return [new Stanza(['scrypt', saltText, String(workFactor)], body)];
    },
  };
}

/** Throws `Refusal` when the passphrase is wrong, or the file is not for a passphrase alone. */
export function scryptIdentity(passphrase: Uint8Array): Identity {
  return {
    unwrapFileKey(stanzas) {
      const [stanza] = stanzas;
      if (stanza?.args[0] !== 'scrypt') throw new Refusal('no-passphrase');
      const [, saltText = '', factorText = ''] = stanza.args;
      const salt = Buffer.from(saltText, 'base64');
      const wellFormed =
        stanzas.length === 1 &&
        stanza.args.length === 3 &&
        salt.length === saltLength &&
        salt.toString('base64').replace(/=+$/, '') === saltText &&
        /^[1-9][0-9]{0,3}$/.test(factorText) &&
        stanza.body.length === fileKeyLength + tagLength;
      if (!wellFormed) throw new Error('invalid scrypt stanza');
      if (Number(factorText) > maxWorkFactor) throw new Refusal('work-factor');
      return unwrap(stanza.body, derive(passphrase, salt, Number(factorText)));
    },
  };
}

function derive(passphrase: Uint8Array, salt: Uint8Array, factor: number): Buffer {
  const cost = 2 ** factor;
  const r = 8;
  try {
    return scryptSync(passphrase, joinSecrets([label, salt]), 32, {
      cost,
      blockSize: r,
      parallelization: 1,
      // What the derivation needs, and room for OpenSSL's own bookkeeping.
      maxmem: 128 * r * (cost + 64),
    });
  } catch {
    throw new Refusal('memory');
  }
}

function unwrap(body: Uint8Array, key: Buffer): Uint8Array {
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, {
    authTagLength: tagLength,
  });
  decipher.setAuthTag(body.subarray(fileKeyLength));
  const fileKey = decipher.update(body.subarray(0, fileKeyLength));
  try {
    return joinSecrets([fileKey, decipher.final()]);
  } catch {
    throw new Refusal('passphrase');
  } finally {
    fileKey.fill(0);
    key.fill(0);
  }
}
