/** Details of a token id besides its names, and how a registration changes them; the same in every engine. */
import { isTokenId, type Epochs } from '../topics/index.ts'
import type { TokenDetails } from './contract.ts'

export const NO_DETAILS: TokenDetails = { accountMark: '', epochs: [0, 0], tags: [], version: '' }

/** The details after a registration; the same object if nothing changes. */
export function changedDetails(known: TokenDetails, given: Partial<TokenDetails>): TokenDetails {
  const { accountMark = known.accountMark, version = known.version, tags = known.tags } = given
  const epochs = laterEpochs(known.epochs, given.epochs ?? [0, 0])
  const isSame =
    accountMark === known.accountMark &&
    version === known.version &&
    epochs === known.epochs &&
    tags.length === known.tags.length &&
    tags.every((tag, at) => tag === known.tags[at])
  return isSame ? known : { accountMark, epochs, tags, version }
}

/** In any part. */
export function isLater(one: Epochs, other: Epochs): boolean {
  return one[0] > other[0] || one[1] > other[1]
}

/** The first one where the other is not later in any part. */
export function laterEpochs(one: Epochs, other: Epochs): Epochs {
  if (!isLater(other, one)) return one
  return [Math.max(one[0], other[0]), Math.max(one[1], other[1])]
}

/** Nobody outside names an account, so that another form is a fault of ours. @throws TypeError */
export function checkAccountMark(accountMark: string): void {
  if (!isTokenId(accountMark)) throw new TypeError('an account is named by 22 characters base64url')
}

/** @throws TypeError */
export function checkDetails({ accountMark = '' }: Partial<TokenDetails> = {}): void {
  if (accountMark !== '') checkAccountMark(accountMark)
}
