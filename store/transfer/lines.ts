/** Text that arrives in pieces, line by line. */
import { TransferError } from './fields.ts'

/** A payload of 16 MiB, the most that can be set, is 22 MiB as base64. */
const LONGEST = 64 * 1024 * 1024

/** @throws TransferError for a line without end */
export async function* splitLines(pieces: AsyncIterable<string>): AsyncIterable<string> {
  let begun = ''
  for await (const piece of pieces) {
    const [first = '', ...others] = piece.split('\n')
    begun += first
    for (const other of others) {
      yield begun
      begun = other
    }
    if (begun.length > LONGEST) throw new TransferError(`a line is longer than ${LONGEST} characters`)
  }
  if (begun !== '') yield begun
}
