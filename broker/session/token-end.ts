/** What happens to a connection when its token expires: it continues with a newer token of its token id. */
import { PushError } from '../../errors.ts'
import type { TokenRecord } from '../../store/contract.ts'
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
 * The registry is asked once. Where it does not answer the connection goes on for a while, because without the store a client
 * that is closed cannot come back. From then on the tags are those of the registry, as if it had connected again.
 * @param since of the monotonic clock, when the token ended
 */
export function tokenEnded(session: Ended, since: number): void {
  const { node, connection } = session
  if (node.strictExpiry) return connection.end(new PushError('TOKEN_EXPIRED'))
  lookUp(session, since).catch((error: unknown) => connection.failed(error))
}

async function lookUp(session: Ended, since: number): Promise<void> {
  const { node, connection, device } = session
  let record: TokenRecord | undefined
  try {
    record = await node.store.lookupToken(device.tokenId)
  } catch (error) {
    if (!(error instanceof PushError)) throw error
    return againLater(session, since)
  }
  const refusal = refusalOf(record, device.generation)
  if (record === undefined || refusal !== undefined) return connection.end(new PushError(refusal ?? 'TOKEN_UNKNOWN'))
  if (record.expiresAt <= node.now()) return connection.end(new PushError('TOKEN_EXPIRED'))
  session.tags = record.details.tags
  connection.extend(record.expiresAt)
}

function againLater(session: Ended, since: number): void {
  const { node, connection } = session
  if (node.monotonic() - since >= node.limits.expiryGraceMs) return connection.end(new PushError('TOKEN_EXPIRED'))
  setTimeout(() => {
    if (connection.open) tokenEnded(session, since)
  }, AGAIN_MS).unref()
}
