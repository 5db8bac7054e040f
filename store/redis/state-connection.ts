/** A plain connection to the same Redis, for what another package keeps there. */
import type { Cluster, Redis } from 'ioredis'
import { parseAddress } from './address.ts'
import { buildClient } from './client.ts'

interface StateConnectionOptions {
  /** See `address.ts` for the forms. */
  readonly url: string
  /** Before every key. */
  readonly keyPrefix: string
}

const COMMAND_TIMEOUT_MS = 5_000
/** A connection that hangs is given up, so that the next finds the master that another became. */
const SILENCE_MS = 2_000

/** Connects when it is first used, and again whenever the connection is lost. A command fails after five seconds. */
export function openStateConnection({ url, keyPrefix }: StateConnectionOptions): Redis | Cluster {
  const own = { keyPrefix, commandTimeout: COMMAND_TIMEOUT_MS, connectionName: 'aedes-push-state' }
  return buildClient({ address: parseAddress(url), deadlineMs: SILENCE_MS }, own)
}
