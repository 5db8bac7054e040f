/** What becomes of a connection when the token that it came with ends: it goes on with a newer one of its token id. */
import { PushError } from '../../errors.ts'
import { refusalOf } from '../../store/honoured.ts'
import type { Device } from '../../topics/index.ts'
import type { Connection } from '../gate/connection.ts'
import type { DeviceNode } from './node.ts'

interface Ended {
  readonly node: DeviceNode
  readonly connection: Connection
  readonly device: Device
  tags: readonly string[]
}

/** Between two questions to a store that does not answer, ms. */
const AGAIN_MS = 1_000

/**
 * The registry is asked once. Where it does not answer the connection goes on for a while, since without the store a client
 * that is closed cannot come back. From then on the tags are those of the registry, as if it had connected again.
 * @param since of the monotonic clock, when the token ended
 */
export function tokenEnded(session: Ended, since: number): void {
  const { node, connection, device } = session
  if (node.strictExpiry) return connection.end(new PushError('TOKEN_EXPIRED'))
  node.store.lookupToken(device.tokenId).then(
    (record) => {
      const refusal = refusalOf(record, device.generation)
      if (record === undefined || refusal !== undefined) connection.end(new PushError(refusal ?? 'TOKEN_UNKNOWN'))
      else if (record.expiresAt <= node.now()) connection.end(new PushError('TOKEN_EXPIRED'))
      else {
        session.tags = record.details.tags
        connection.extend(record.expiresAt)
      }
    },
    (error: unknown) => {
      if (!(error instanceof PushError)) return connection.failed(error)
      if (node.monotonic() - since >= node.limits.expiryGraceMs) return connection.end(new PushError('TOKEN_EXPIRED'))
      setTimeout(() => {
        if (connection.open) tokenEnded(session, since)
      }, AGAIN_MS).unref()
    },
  )
}
