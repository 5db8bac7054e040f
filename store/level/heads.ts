/** What a log needs to know of an entry, of whichever kind. */
import { type EntryHead, readHead } from './entry.ts'
import { Kind } from './keys.ts'
import { sessionHeadOf } from './session-entry.ts'
import { upstreamHeadOf } from './upstream-entry.ts'

/** `key`: of the entry, or what the keys of its log start with. */
export function headOf(key: Buffer, bytes: Buffer): EntryHead {
  switch (key[0]) {
    case Kind.upstreamEntry:
      return upstreamHeadOf(bytes)
    case Kind.sessionEntry:
      return sessionHeadOf(bytes)
    default:
      return readHead(bytes)
  }
}
