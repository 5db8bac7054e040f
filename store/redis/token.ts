/** Where a token id lives. */
import { PushError } from '../../errors.ts'
import { isTokenId } from '../../topics/index.ts'
import type { Part, TokenId } from '../contract.ts'
import { checkAccountMark } from '../details.ts'
import { partitionBase } from './keys.ts'

export interface Location {
  readonly base: string
  /** The 16 bytes of the token id. */
  readonly id: Buffer
}

/**
 * The partition is the first byte of the token id, which comes from the device and app alone: all accounts of one app
 * on one device are in one partition, and in one bucket of it.
 *
 * @throws TOKEN_UNKNOWN for what is not the text of a token id
 */
export function locate(prefix: string, tokenId: TokenId): Location {
  if (!isTokenId(tokenId)) throw new PushError('TOKEN_UNKNOWN')
  const id = Buffer.from(tokenId, 'base64url')
  return { base: partitionBase(prefix, partitionOf(id)), id }
}

/** The base of the partition in which the index of an account lies. @throws TypeError for what is no mark */
export function locateAccount(prefix: string, accountMark: string): string {
  checkAccountMark(accountMark)
  return partitionBase(prefix, partitionOf(Buffer.from(accountMark, 'base64url')))
}

/** Also the part of its app's upstream log. */
export function partitionOf(id: Buffer): Part {
  return id.readUInt8(0)
}

/** As it is stored, 6 bytes. It tells the devices of one bucket apart: with the keyed bits of the bucket, by 62 bits. */
export function markBytes(deviceMark: string): Buffer {
  return Buffer.from(deviceMark, 'base64url')
}
