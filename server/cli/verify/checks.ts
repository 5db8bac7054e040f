/** Everything that is tried, in order. */
import * as access from './checks-access.ts'
import * as messages from './checks-messages.ts'
import { retained } from './checks-retained.ts'
import { providerTakeover, takeover } from './checks-takeover.ts'
import { users } from './checks-users.ts'
import { webPush } from './checks-web-push.ts'
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
  takeover,
  providerTakeover,
  retained,
  messages.streamsAndLookups,
  webPush,
  users,
]
