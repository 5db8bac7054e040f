// Has each message one receipt, under one event id, for consumers on any node, while nodes are killed?
import { t } from '../support/tap.ts'
import { receiptsUnderKills } from './support/receipts-under-kills.ts'

await t.test('some', async (t) => await receiptsUnderKills(t, { devices: 10, messagesEach: 60, killEvery: 20 }))
