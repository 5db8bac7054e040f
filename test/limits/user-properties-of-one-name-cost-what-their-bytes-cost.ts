// Are user properties of one name grouped, and given back in their order, without copying what came before for each?
import { t } from '../support/tap.ts'
import { messageOf, nativePacketOf } from '../../broker/aedes/native-packet.ts'
import { encodeForwardProperties } from '../../broker/codec/encoder.ts'

// Grouping that grew with the square of their number would not come to an end within the timeout of the test.
const userProperties = Array.from({ length: 500_000 }, (_, at): [string, string] => ['same', String(at)])
const properties = Buffer.from(encodeForwardProperties({ userProperties }) ?? [])
const message = messageOf(
  { cmd: 'publish', topic: 'news', payload: Buffer.alloc(0), qos: 1, retain: false, dup: false },
  { from: '', id: 'one', now: 0 },
)
const packet = nativePacketOf({ ...message, properties }, 0)
t.equal(packet.properties.userProperties?.['same']?.length, userProperties.length)
const back = messageOf(packet, { from: '', id: 'two', now: 0 })
t.ok(properties.equals(back.properties ?? Buffer.alloc(0)), 'all of them, in order')
