import { createHash, createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';

/**
 * Signs licences as a vendor does who has nothing but the description of the format
 * (license-manager/logic/src/licence.rs), with the development key, whose private half everybody can read.
 */

const SEED = Buffer.from('plenary development licences 001');
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface Seats {
  pro: number;
  online: number;
  guest: number;
  gateway: number;
}

const u16 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
};
const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const u64 = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};
const text = (value: string) => Buffer.concat([u16(Buffer.byteLength(value)), Buffer.from(value)]);

/** A licence file for any server, until `until` (milliseconds since 1970) or for ever. */
export function issue(enterprise: string, seats: Seats, until?: number): string {
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, SEED]),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const keyId = createHash('sha256').update(spki.subarray(-32)).digest().subarray(0, 8);
  const [trial, lifetime] = [1, 3];
  const body = Buffer.concat([
    randomBytes(16),
    text(enterprise),
    text(''),
    u32(0),
    ...[seats.pro, seats.online, seats.guest, seats.gateway].map(u32),
    u32(0),
    Buffer.from([until === undefined ? lifetime : trial, 0, 0]),
    u64(0),
    u64(0),
    until === undefined ? Buffer.from([0]) : Buffer.concat([Buffer.from([1]), u64(until)]),
  ]);
  const signed = Buffer.concat([
    Buffer.from('PLENARY\0'),
    Buffer.from([1, 1]),
    keyId,
    u32(body.length),
    body,
  ]);
  const packed = Buffer.concat([signed, sign(null, signed, key)]).toString('base64');
  const lines = packed.match(/.{1,64}/g)!.join('\n');
  return `-----BEGIN PLENARY LICENCE-----\n${lines}\n-----END PLENARY LICENCE-----\n`;
}
