/** Everything that is tried, in order. */
import * as access from './checks-access.ts'
import * as messages from './checks-messages.ts'
import type { Check } from './check.ts'

export const CHECKS: readonly Check[] = [
  messages.privateTopics,
  messages.broadcasts,
  access.subscriptions,
  access.publishing,
  access.deviceCalls,
  access.forgedTokens,
  access.providers,
  access.accountSwitch,
  access.revokedTokens,
  access.takeover,
  messages.retained,
  messages.streamsAndLookups,
  messages.webPush,
  messages.users,
]
