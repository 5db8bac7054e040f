/** All pages, in the order of the menu. A new one is a file and a line here. */
import { Devices } from './devices.tsx'
import { Events } from './events.tsx'
import { Inspect } from './inspect.tsx'
import { Keys } from './keys.tsx'
import { Overview } from './overview.tsx'
import type { Page } from './page.ts'
import { Send } from './send.tsx'
import { Webhooks } from './webhooks.tsx'

export const PAGES: readonly [Page, ...Page[]] = [
  { name: 'overview', title: 'Overview', scope: 'server:read', what: 'see how the server does', Body: Overview },
  { name: 'inspect', title: 'Inspect', scope: 'tokens:read', what: 'look up tokens', Body: Inspect },
  { name: 'send', title: 'Send', scope: 'messages:send', what: 'send messages', Body: Send },
  { name: 'devices', title: 'Devices', scope: 'tokens:issue', what: 'issue tokens', Body: Devices },
  { name: 'events', title: 'Events', scope: 'events:read', what: 'read events', Body: Events },
  { name: 'webhooks', title: 'Webhooks', scope: 'webhooks:write', what: 'manage webhooks', Body: Webhooks },
  { name: 'keys', title: 'Keys', scope: 'keys:admin', what: 'manage keys', Body: Keys },
]
