/** Subscriptions of a persistence that waits for notices of its own: each call is answered. */
import { overriding } from './overriding.ts'

interface Subscriptions<Client, Subscription> {
  addSubscriptions(client: Client, subscriptions: readonly Subscription[]): Promise<unknown>
  removeSubscriptions(client: Client, filters: readonly string[]): Promise<unknown>
  cleanSubscriptions(client: Client): Promise<unknown>
}

/** A notice that comes at all comes within this time, ms. */
const NOTICE_MS = 2000
const TRIES = 5

/**
 * A notice that was under way when a connection to Redis was lost never comes, and of two that are waited for under one
 * name only the last: what waits for it may be done again.
 */
async function untilNoticed<T>(step: () => Promise<T>): Promise<T> {
  for (let tries = 0; tries < TRIES; tries++) {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), NOTICE_MS)))
    const done = await Promise.race([step().then((value) => ({ value })), late]).finally(() => clearTimeout(timer))
    if (done !== undefined) return done.value
  }
  throw new Error('the notice of a subscription does not come back')
}

/** Waits for a notice again where it was lost. */
export function answeringAll<Client, Subscription, P extends Subscriptions<Client, Subscription>>(persistence: P): P {
  const answering: Subscriptions<Client, Subscription> = {
    addSubscriptions: (client, subscriptions) =>
      untilNoticed(() => persistence.addSubscriptions(client, subscriptions)),
    removeSubscriptions: (client, filters) => untilNoticed(() => persistence.removeSubscriptions(client, filters)),
    cleanSubscriptions: (client) => untilNoticed(() => persistence.cleanSubscriptions(client)),
  }
  return overriding(persistence, answering as Partial<P>)
}
