/** Publishes into the store, where the broker's drains find the messages. */
import type { FastifyBaseLogger } from 'fastify'
import type { Auth } from '../auth/contract.ts'
import { PushError, type ErrorCode } from '../errors.ts'
import type { Metrics } from '../common/metrics.ts'
import type { UnderWay } from '../common/under-way.ts'
import type { AccountDevice, PrivateAppend, Store } from '../store/contract.ts'
import { mayActFor, type Provider, type Selector } from '../topics/index.ts'
import type { Accounts } from './calls/accounts.ts'
import { isNowOrNever } from '../store/message.ts'
import { allOf, eachInTurn, type Publication, type Publisher, type Rejected, type Stored } from './publisher.ts'

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
  function count(destination: 'private' | 'broadcast', { duplicate, expiresAt }: Stored): Stored {
    if (duplicate) metrics.duplicates.inc({ destination })
    else metrics.accepted.inc({ destination })
    return { duplicate, expiresAt }
  }

  const countPrivate = (stored: Stored): Stored => count('private', stored)

  /** Without a promise more than the store and the result need: this is the path of most messages. */
  function toDevice(append: PrivateAppend, by: string): Promise<Stored> {
    const { message } = append
    if (!isNowOrNever(message)) return underWay.run(by, () => store.append(append)).then(countPrivate)
    const told = underWay.run(by, () => store.tellPrivate(append))
    return told.then(() => countPrivate({ duplicate: false, expiresAt: message.expiresAt }))
  }

  async function toAll(app: string, selector: Selector, { message, given, by }: Publication): Promise<Stored> {
    const { expiresAt } = message
    if (isNowOrNever(message)) {
      await underWay.run(by, () => store.tellBroadcast({ app, selector, message }))
      return count('broadcast', { duplicate: false, expiresAt })
    }
    const dedupe = given.id
    return count('broadcast', await underWay.run(by, () => store.appendBroadcast({ app, selector, message, dedupe })))
  }

  /** `gone`: those that are not logged in to the account any more. */
  async function appendToEach(devices: readonly AccountDevice[], app: string, publication: Publication) {
    const { message, given, by, turn } = publication
    const settled = await eachInTurn(devices, turn, ({ tokenId }) =>
      toDevice({ tokenId, app, message, dedupe: given.id, onlyCurrent: true }, by),
    )
    const gone: AccountDevice[] = []
    const rejected: Rejected[] = []
    const stored: Stored[] = []
    const tokenIds: string[] = []
    for (const [position, result] of settled.entries()) {
      const device = devices[position]
      if (device === undefined) continue
      if (result.status === 'fulfilled') {
        stored.push(result.value)
        tokenIds.push(device.tokenId)
      } else if (!(result.reason instanceof PushError)) throw result.reason
      else if (GONE.has(result.reason.code)) gone.push(device)
      else if (result.reason.code === 'ID_REUSED') rejected.push({ token: device.tokenId, code: 'ID_REUSED' })
      else throw result.reason
    }
    return { gone, rejected, stored, tokenIds }
  }

  async function appKnownOf(tokenId: string, provider: Provider): Promise<string> {
    const record = await store.lookupToken(tokenId)
    if (record === undefined) throw new PushError('TOKEN_UNKNOWN')
    if (!mayActFor(provider, record.app)) throw new PushError('APP_FORBIDDEN')
    return record.app
  }

  return {
    errors: ['RETAINED_LIMIT', 'ACCOUNT_UNKNOWN', 'STORE_UNAVAILABLE'],
    appOf: (tokenId, provider) => (provider.apps === 'all' ? undefined : appKnownOf(tokenId, provider)),
    async publishToAccount(app, account, publication, admit) {
      const accountMark = auth.accountMarkOf(app, account)
      const devices = await accounts.devicesOf(app, accountMark)
      await admit?.(devices.length)
      const { gone, rejected, stored, tokenIds } = await appendToEach(devices, app, publication)
      // Whoever is not removed now is found again.
      accounts
        .forget(accountMark, gone)
        .catch((error: unknown) => logger.warn({ err: error }, 'could not remove logged-out devices from an account'))
      if (stored.length + rejected.length === 0) throw new PushError('ACCOUNT_UNKNOWN')
      return { accepted: stored.length, rejected, stored: allOf(stored), tokenIds }
    },
    async devicesOf(app, account) {
      const devices = await accounts.devicesOf(app, auth.accountMarkOf(app, account))
      if (devices.length === 0) throw new PushError('ACCOUNT_UNKNOWN')
      return devices.map(({ tokenId }) => tokenId)
    },
    publish(destination, publication) {
      if (destination.kind === 'broadcast') return toAll(destination.app, destination.selector, publication)
      const { message, given, by } = publication
      const { tokenId, app } = destination
      // Written out: there are a thousand of them in a request.
      const append =
        app === undefined ? { tokenId, message, dedupe: given.id } : { tokenId, app, message, dedupe: given.id }
      return toDevice(append, by)
    },
    async check(destination) {
      if (destination.kind === 'broadcast') return
      const { tokenId, app } = destination
      const record = await store.lookupToken(tokenId)
      if (record === undefined || (app !== undefined && record.app !== app)) throw new PushError('TOKEN_UNKNOWN')
      if (record.revoked) throw new PushError('TOKEN_REVOKED')
    },
  }
}
