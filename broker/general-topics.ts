/** General topics of one node: their router, and the shared subscriptions of users. */
import type { Logger } from 'pino'
import type { Limits } from '../common/limits.ts'
import type { Store } from '../store/contract.ts'
import { StoredCounter } from './stored-counts.ts'
import { openGeneralRouter, type OwnRouter } from './aedes/general-router.ts'
import type { RetainedMessages } from './aedes/retained-topics.ts'
import { type GeneralRules, NO_GENERAL_RULES } from './session/general-rules.ts'
import { UserGroups } from './session/user-groups.ts'

interface GeneralTopicsOptions {
  readonly store: Store
  readonly logger: Logger
  readonly limits: Pick<Limits, 'readBytes' | 'retryMs' | 'sessionRecheckMs'>
  readonly retained: RetainedMessages
  readonly rules?: GeneralRules | undefined
  /** Id of Aedes: another one for each process. */
  readonly id: string
  readonly randomId: () => string
  /** Milliseconds since the epoch, for dates. */
  readonly now: () => number
  /** Milliseconds of a monotonic clock, for durations. */
  readonly monotonic: () => number
}

export interface GeneralTopics {
  /** Where they are kept, which may be another place than where push is. */
  readonly store: Store
  readonly router: OwnRouter
  readonly groups: UserGroups
  readonly stored: StoredCounter
  /** When all sessions are over; the store stays open. */
  close(): Promise<void>
}

export async function openGeneralTopics(options: GeneralTopicsOptions): Promise<GeneralTopics> {
  const { store, logger, limits, retained, rules = NO_GENERAL_RULES, id, randomId, now, monotonic } = options
  const groups: UserGroups = new UserGroups({ store, logger, limits, now, randomId, router: () => router })
  const router = await openGeneralRouter({ store, logger, id, retained, groups, rules, randomId, now, monotonic })
  groups.start()
  return {
    store,
    router,
    groups,
    stored: new StoredCounter({ store, retained, monotonic }),
    async close() {
      groups.stop()
      await router.close()
    },
  }
}
