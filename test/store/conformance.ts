/**
 * What every engine of the store contract must do. An engine's test gives `makeEngine` and runs all of it:
 *
 *     await conformance(t, async (options) => ({ store, reopen, crash, close }))
 */
import type { Test } from 'tap'
import { accounts } from './support/accounts.ts'
import { broadcastLogs } from './support/broadcast-logs.ts'
import { durability } from './support/durability.ts'
import { groupLogs } from './support/group-logs.ts'
import { events } from './support/events.ts'
import { following } from './support/following.ts'
import { marks } from './support/marks.ts'
import { namedSessions } from './support/named-sessions.ts'
import { pendingMessages } from './support/pending-messages.ts'
import { privateLogs } from './support/private-logs.ts'
import { recall } from './support/recall.ts'
import { receiptsAndMissed } from './support/receipts.ts'
import { received } from './support/received.ts'
import { registering } from './support/registering.ts'
import { registry } from './support/registry.ts'
import { retained } from './support/retained.ts'
import { retainedTopics } from './support/retained-topics.ts'
import { revoking } from './support/revoking.ts'
import { sessionLogs } from './support/session-logs.ts'
import { sessions } from './support/sessions.ts'
import { subscriptions } from './support/subscriptions.ts'
import { tables } from './support/tables.ts'
import { tokenDetails } from './support/token-details.ts'
import { upstream } from './support/upstream.ts'
import { upstreamGroups } from './support/upstream-groups.ts'
import { wakes } from './support/wakes.ts'
import { wills } from './support/wills.ts'
import { webPush } from './support/web-push.ts'
import type { MakeEngine } from './support/world.ts'

export type { Engine, EngineOptions, MakeEngine } from './support/world.ts'

export async function conformance(t: Test, makeEngine: MakeEngine): Promise<void> {
  await t.test('the token registry', (t) => registry(t, makeEngine))
  await t.test('registering on a condition', (t) => registering(t, makeEngine))
  await t.test('revoking', (t) => revoking(t, makeEngine))
  await t.test('what is known of token ids', (t) => tokenDetails(t, makeEngine))
  await t.test('devices of accounts', (t) => accounts(t, makeEngine))
  await t.test('private logs', (t) => privateLogs(t, makeEngine))
  await t.test('how many messages wait', (t) => pendingMessages(t, makeEngine))
  await t.test('broadcast logs', (t) => broadcastLogs(t, makeEngine))
  await t.test('messages of Web Push', (t) => webPush(t, makeEngine))
  await t.test('what the cursors pass and is still pending', (t) => marks(t, makeEngine))
  await t.test('retained messages', (t) => retained(t, makeEngine))
  await t.test('sessions', (t) => sessions(t, makeEngine))
  await t.test('tables', (t) => tables(t, makeEngine))
  await t.test('upstream logs', (t) => upstream(t, makeEngine))
  await t.test('upstream groups', (t) => upstreamGroups(t, makeEngine))
  await t.test('event logs', (t) => events(t, makeEngine))
  await t.test('wakes', (t) => wakes(t, makeEngine))
  await generalTopics(t, makeEngine)
  await whatBecomesOfMessages(t, makeEngine)
  await t.test('durability', (t) => durability(t, makeEngine))
}

/** What general topics need of a store. */
export async function generalTopics(t: Test, makeEngine: MakeEngine): Promise<void> {
  await t.test('sessions by name', (t) => namedSessions(t, makeEngine))
  await t.test('packet ids that sessions by name received', (t) => received(t, makeEngine))
  await t.test('logs of sessions by name', (t) => sessionLogs(t, makeEngine))
  await t.test('subscriptions', (t) => subscriptions(t, makeEngine))
  await t.test('wills', (t) => wills(t, makeEngine))
  await t.test('retained messages of general topics', (t) => retainedTopics(t, makeEngine))
  await t.test('logs of groups', (t) => groupLogs(t, makeEngine))
}

export async function whatBecomesOfMessages(t: Test, makeEngine: MakeEngine): Promise<void> {
  await t.test('what becomes of messages', (t) => following(t, makeEngine))
  await t.test('recall and collapse', (t) => recall(t, makeEngine))
  await t.test('receipts, what was missed, and now or never', (t) => receiptsAndMissed(t, makeEngine))
}
