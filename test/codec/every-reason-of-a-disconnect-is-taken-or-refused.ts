// Is DISCONNECT taken with exactly the reason codes that a client may use (MQTT 5, table 3-13)?
import { t } from '../support/tap.ts'
import { connected, decode } from './support/decoding.ts'

const ALLOWED = [0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99]

t.test('all 256', async (t) => {
  const taken: number[] = []
  for (let reason = 0; reason < 256; reason += 1) {
    try {
      const [packet] = decode(connected(5), Buffer.from([0xe0, 1, reason]))
      if (packet?.type === 'disconnect' && packet.reason === reason) taken.push(reason)
    } catch {
      // A violation; that each is told as specified is looked at elsewhere.
    }
  }
  t.same(taken, ALLOWED)
})
