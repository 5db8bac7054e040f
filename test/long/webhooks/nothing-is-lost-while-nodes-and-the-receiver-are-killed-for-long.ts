// Does a receiver that is killed at random get everything, in order and with the same bytes, while nodes are killed too, for long?
import { t } from '../../support/tap.ts'
import { deliveredUnderKills } from '../../wire/webhooks/support/under-kills.ts'

await t.test('three nodes', { timeout: 0 }, (t) =>
  deliveredUnderKills(t, { devices: 20, messagesEach: 200, killEvery: 100 }),
)
