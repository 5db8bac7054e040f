// Is the cursor of a log always right behind the oldest message that is not acknowledged, in whatever order they are?
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { LogDrain } from '../../broker/session/log-drain.ts'

/** What happens next: a message is sent, one is for nobody, or one of those under way is acknowledged. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.constant('send' as const) },
  { weight: 1, arbitrary: fc.constant('pass' as const) },
  { weight: 3, arbitrary: fc.nat({ max: 20 }) },
)

t.test('any order', async (t) => {
  fc.assert(
    fc.property(fc.nat({ max: 1_000 }), fc.array(step, { maxLength: 60 }), (start, steps) => {
      const log = new LogDrain(start, start)
      const open: number[] = []
      let offset = start
      for (const each of steps) {
        if (each === 'send') {
          offset += 1
          log.track(offset, offset)
          open.push(offset)
        } else if (each === 'pass') {
          offset += 1
          log.pass(offset)
        } else if (open.length > 0) {
          const [acknowledged = 0] = open.splice(each % open.length, 1)
          t.equal(log.acknowledge(acknowledged)?.offset, acknowledged)
          t.equal(log.acknowledge(acknowledged), undefined, 'once')
        }
        t.equal(log.sent, offset)
        t.equal(log.unacknowledged, open.length)
        t.equal(log.cursor, open.length === 0 ? offset : Math.min(...open) - 1)
      }
    }),
    { numRuns: 40 },
  )
})
