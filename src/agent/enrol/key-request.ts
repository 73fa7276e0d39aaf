/** A new key, and the request (PKCS#10) to certify it. Written out: a library for it would be three times the size of all else in the bundle's enrolment. */

import { createPrivateKey, createPublicKey, generateKeyPair, sign } from 'node:crypto';
import { promisify } from 'node:util';

/** PEM (PKCS#8) of a new P-256 key. */
export async function newKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** ecdsa-with-SHA256, 1.2.840.10045.4.3.2 */
const ALGORITHM = Buffer.from('06082a8648ce3d040302', 'hex');
const TAG = { integer: 0x02, bits: 0x03, sequence: 0x30, attributes: 0xa0 } as const;

/** The request for a key, DER. It names nobody: whose certificate it becomes is the orchestrator's to say. */
export function requestFor(keyPem: string): Buffer {
  const key = createPrivateKey(keyPem);
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const version = der(TAG.integer, Buffer.from([0]));
  const nobody = der(TAG.sequence);
  const info = der(TAG.sequence, version, nobody, publicKey, der(TAG.attributes));
  const signature = der(TAG.bits, Buffer.from([0]), sign('sha256', info, key));
  return der(TAG.sequence, info, der(TAG.sequence, ALGORITHM), signature);
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}
