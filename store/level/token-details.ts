/** What is known of a token id beside its names: a row of its own, because appends write its record again and again. */
import type { TokenDetails, TokenId } from '../contract.ts'
import { changedDetails, NO_DETAILS } from '../details.ts'
import { type ValueReader, ValueWriter } from './bytes.ts'
import { orDamaged } from './database.ts'
import { tokenDetailsKey } from './keys.ts'
import { versioned } from './named-records.ts'
import type { Transaction } from './transaction.ts'

const VERSION = 1
const NUMBER_BYTES = 8

/** What reads rows: a transaction, or the database for what is on disk. */
interface Rows {
  get(key: Buffer): Buffer | undefined
}

export function detailsOf(rows: Rows, tokenId: TokenId): TokenDetails {
  return knownDetails(rows, tokenId) ?? NO_DETAILS
}

export function knownDetails(rows: Rows, tokenId: TokenId): TokenDetails | undefined {
  const bytes = rows.get(tokenDetailsKey(tokenId))
  return bytes && orDamaged(() => decodeDetails(bytes))
}

/** Returns them as they are now. */
export function changeDetails(
  transaction: Transaction,
  tokenId: TokenId,
  given: Partial<TokenDetails> | undefined,
): TokenDetails {
  const known = detailsOf(transaction, tokenId)
  const changed = given === undefined ? known : changedDetails(known, given)
  if (changed !== known) transaction.put(tokenDetailsKey(tokenId), encodeDetails(changed))
  return changed
}

export function forgetDetails(transaction: Transaction, tokenId: TokenId): void {
  transaction.delete(tokenDetailsKey(tokenId))
}

export function encodeDetails({ accountMark, epochs, tags, version }: TokenDetails): Buffer {
  const texts = [accountMark, version, ...tags]
  const bytes = texts.reduce((sum, text) => sum + NUMBER_BYTES + Buffer.byteLength(text), 0)
  const out = new ValueWriter(1 + 3 * NUMBER_BYTES + bytes).byte(VERSION)
  out.text(accountMark).number(epochs[0]).number(epochs[1]).text(version).number(tags.length)
  for (const tag of tags) out.text(tag)
  return out.done()
}

export function decodeDetails(bytes: Buffer): TokenDetails {
  const from: ValueReader = versioned(bytes)
  const accountMark = from.text()
  const epochs = [from.number(), from.number()] as const
  const version = from.text()
  const tags = Array.from({ length: from.number() }, () => from.text())
  return { accountMark, epochs, tags, version }
}
