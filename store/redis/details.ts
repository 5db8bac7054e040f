/** What is known of a token id beside its names, as the script keeps it (lua/details.lua). */
import type { TokenDetails } from '../contract.ts'
import { checkDetails, NO_DETAILS } from '../details.ts'
import { type Packed, Packer, unpack } from './pack.ts'
import { unavailable } from './script.ts'
import { asBytes, asList, asNumber, asText } from './values.ts'

const FORMAT = 1

export function asDetails(packed: Packed | undefined): TokenDetails {
  if (!(packed instanceof Buffer)) return NO_DETAILS
  const [format, account, appEpoch, accountEpoch, version, tags] = asList(unpack(packed))
  if (format !== FORMAT) throw unavailable('a later version wrote what is known of a token id')
  return {
    accountMark: asBytes(account).toString('base64url'),
    epochs: [asNumber(appEpoch), asNumber(accountEpoch)],
    tags: asList(tags).map(asText),
    version: asText(version),
  }
}

/** What a registration changes in them; false: nothing. */
export function encodeDetailsChange(given: Partial<TokenDetails> | undefined): Buffer | false {
  if (given === undefined) return false
  checkDetails(given)
  const { accountMark, epochs = NO_DETAILS.epochs, version = false, tags } = given
  const packer = new Packer()
  packer.array(5)
  packer.value(accountMark === undefined ? false : Buffer.from(accountMark, 'base64url'))
  packer.value(epochs[0])
  packer.value(epochs[1])
  packer.value(version)
  if (tags === undefined) {
    packer.value(false)
  } else {
    packer.array(tags.length)
    for (const tag of tags) packer.value(tag)
  }
  return packer.finish()
}
