/** Publishes into the store, where the broker's drains find the messages. */
import type { FastifyBaseLogger } from 'fastify'
import type { Auth } from '../auth/contract.ts'
import { PushError, type ErrorCode } from '../errors.ts'
import type { Metrics } from '../common/metrics.ts'
import type { UnderWay } from '../common/under-way.ts'
import type { AccountDevice, Appended, Store } from '../store/contract.ts'
import { mayActFor } from '../topics/index.ts'
import type { Accounts } from './calls/accounts.ts'
import { eachInTurn, type Publication, type Publisher } from './publisher.ts'

interface StorePublisherContext {
  readonly auth: Pick<Auth, 'accountMarkOf'>
  readonly store: Store
  readonly accounts: Accounts
  /** Of each provider. */
  readonly underWay: UnderWay
  readonly metrics: Metrics
  readonly logger: Pick<FastifyBaseLogger, 'warn'>
}

/** The device is not logged in to the account any more. */
const GONE: ReadonlySet<ErrorCode> = new Set(['TOKEN_UNKNOWN', 'TOKEN_REVOKED', 'TOKEN_SUPERSEDED'])

export function createStorePublisher(context: StorePublisherContext): Publisher {
  const { auth, store, accounts, underWay, metrics, logger } = context
  function count(destination: 'private' | 'broadcast', { duplicate }: Appended): void {
    if (duplicate) metrics.duplicates.inc({ destination })
    else metrics.accepted.inc({ destination })
  }

  /** Gives those that are gone. */
  async function appendToEach(
    devices: readonly AccountDevice[],
    app: string,
    { message, by, turn, given }: Publication,
  ): Promise<ReadonlySet<AccountDevice>> {
    const settled = await eachInTurn(devices, turn, ({ tokenId }) =>
      underWay.run(by, () => store.append({ tokenId, app, message, dedupe: given.id, onlyCurrent: true })),
    )
    const gone = new Set<AccountDevice>()
    for (const [position, result] of settled.entries()) {
      const device = devices[position]
      if (device === undefined) continue
      if (result.status === 'fulfilled') count('private', result.value)
      else if (result.reason instanceof PushError && GONE.has(result.reason.code)) gone.add(device)
      else throw result.reason
    }
    return gone
  }

  return {
    errors: ['RETAINED_LIMIT', 'ACCOUNT_UNKNOWN', 'STORE_UNAVAILABLE'],
    async appOf(tokenId, provider) {
      if (provider.apps === 'all') return undefined
      const record = await store.lookupToken(tokenId)
      if (record === undefined) throw new PushError('TOKEN_UNKNOWN')
      if (!mayActFor(provider, record.app)) throw new PushError('APP_FORBIDDEN')
      return record.app
    },
    async publishToAccount(app, account, publication, admit) {
      const accountMark = auth.accountMarkOf(app, account)
      const devices = await accounts.devicesOf(app, accountMark)
      await admit?.(devices.length)
      const gone = await appendToEach(devices, app, publication)
      // Whoever is not taken out now is found again.
      accounts
        .forget(accountMark, [...gone])
        .catch((error: unknown) => logger.warn({ err: error }, 'could not prune the devices of an account'))
      const reached = devices.filter((device) => !gone.has(device)).map(({ tokenId }) => tokenId)
      if (reached.length === 0) throw new PushError('ACCOUNT_UNKNOWN')
      return reached
    },
    async publish(destination, { message, by, given }) {
      const { kind } = destination
      const dedupe = given.id
      if (kind === 'broadcast') {
        const { app, selector } = destination
        count(kind, await underWay.run(by, () => store.appendBroadcast({ app, selector, message, dedupe })))
      } else {
        const { tokenId, app } = destination
        const append = { tokenId, ...(app === undefined ? {} : { app }), message, dedupe }
        count(kind, await underWay.run(by, () => store.append(append)))
      }
    },
  }
}
