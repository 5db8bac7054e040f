// Is every error of the catalogue sent with a reason code that CONNACK, DISCONNECT or PUBACK may carry?
import { type Packet, parser } from 'mqtt-packet'
import { t } from '../support/tap.ts'
import { encodeConnack, encodeDisconnect, encodePuback } from '../../broker/codec/encoder.ts'
import { connackReason, disconnectReason, pubackReason } from '../../broker/codec/reasons.ts'
import { ERRORS, type ErrorCode, PushError } from '../../errors.ts'

function read(bytes: Buffer): Packet {
  const parse = parser({ protocolVersion: 5 })
  const packets: Packet[] = []
  parse.on('packet', (packet) => packets.push(packet))
  parse.on('error', (error) => {
    throw error
  })
  parse.parse(bytes)
  return packets[0]!
}

await t.test('as MQTT.js reads them', async (t) => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const { reason } = new PushError(code)
    const connack = { sessionPresent: false, reason: connackReason(reason), returnCode: 0 }
    t.match(read(encodeConnack(5, connack)), { cmd: 'connack' }, `CONNACK ${code}`)
    t.match(read(encodeDisconnect(disconnectReason(reason))), { cmd: 'disconnect' }, `DISCONNECT ${code}`)
    t.match(read(encodePuback(5, 1, pubackReason(reason))), { cmd: 'puback' }, `PUBACK ${code}`)
  }
  t.equal(disconnectReason(0x88), 0x83, 'DISCONNECT knows no 0x88')
  t.equal(connackReason(0x8b), 0x88, 'CONNACK knows no 0x8B')
})
