// Does a receiver that is killed at random get everything, in order and with the same bytes, while nodes are killed too?
import { t } from '../../support/tap.ts'
import { deliveredUnderKills } from './support/under-kills.ts'

await t.test('three nodes', (t) => deliveredUnderKills(t, { devices: 4, messagesEach: 10, killEvery: 20 }))
