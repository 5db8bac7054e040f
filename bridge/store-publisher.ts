/** Publishes into the store, where the broker's drains find the messages. */
import { PushError } from '../errors.ts'
import type { Metrics } from '../common/metrics.ts'
import type { Appended, Store } from '../store/contract.ts'
import { mayActFor } from '../topics/index.ts'
import type { Publisher } from './publisher.ts'

export function createStorePublisher(store: Store, metrics: Metrics): Publisher {
  function count(destination: 'private' | 'broadcast', { duplicate }: Appended): void {
    if (duplicate) metrics.duplicates.inc({ destination })
    else metrics.accepted.inc({ destination })
  }

  return {
    errors: ['RETAINED_LIMIT', 'STORE_UNAVAILABLE'],
    async appOf(tokenId, provider) {
      if (provider.apps === 'all') return undefined
      const record = await store.lookupToken(tokenId)
      if (record === undefined) throw new PushError('TOKEN_UNKNOWN')
      if (!mayActFor(provider, record.app)) throw new PushError('APP_FORBIDDEN')
      return record.app
    },
    async publish(destination, { message, given }) {
      const { kind } = destination
      const dedupe = given.id
      if (kind === 'broadcast') {
        const { app, selector } = destination
        count(kind, await store.appendBroadcast({ app, selector, message, dedupe }))
      } else {
        const { tokenId, app } = destination
        count(kind, await store.append({ tokenId, ...(app === undefined ? {} : { app }), message, dedupe }))
      }
    },
  }
}
