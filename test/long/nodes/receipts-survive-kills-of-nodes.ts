// Of 100,000 messages to MQTT 3.1.1 devices, has each one receipt, under one event id, while nodes are killed?
import { t } from '../../support/tap.ts'
import { receiptsUnderKills } from '../../follow/support/receipts-under-kills.ts'

await t.test('100,000', async (t) => await receiptsUnderKills(t, { devices: 100, messagesEach: 1_000, killEvery: 50 }))
