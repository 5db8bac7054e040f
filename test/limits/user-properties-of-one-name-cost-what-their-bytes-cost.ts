// Are user properties of one name grouped, and given back in their order, without copying what came before for each?
import { t } from '../support/tap.ts'
import { fromAedes, toAedesPacket } from '../../broker/aedes/packets.ts'

// Grouping that grew with the square of their number would not come to an end within the timeout of the test.
const userProperties = Array.from({ length: 500_000 }, (_, at): [string, string] => ['same', String(at)])
const { properties = {} } = toAedesPacket({
  topic: 'news',
  payload: Buffer.alloc(0),
  qos: 1,
  retain: false,
  dup: false,
  properties: { userProperties },
})
const back = fromAedes(properties).userProperties ?? []
t.equal(back.length, userProperties.length)
t.ok(
  back.every(([name, value], at) => name === 'same' && value === String(at)),
  'all of them, in order',
)
