import type { Buffer } from 'node:buffer'
import { encodeConnack, encodeDisconnect } from './encoder.ts'
import type { ProtocolViolation } from './violation.ts'

/** How much of a reason the client can receive and has asked for. */
interface ReplyOptions {
  /** The client's Maximum Packet Size; a reason string that does not fit is left out. [MQTT-3.2.2-19] [MQTT-3.14.2-3] */
  readonly maximumPacketSize?: number
  /** Tell the reason in words, which is the default. */
  readonly reasonString?: boolean
}

/** The packet to send before the connection is closed for a violation; undefined if it is closed in silence. */
export function encodeViolationReply(violation: ProtocolViolation, options: ReplyOptions = {}): Buffer | undefined {
  if (violation.reply === 'none') return undefined
  const { reply, reason, returnCode } = violation
  if (reply === 'connack' && returnCode !== undefined)
    return encodeConnack(4, { sessionPresent: false, reason, returnCode })
  const { maximumPacketSize = Number.POSITIVE_INFINITY } = options
  if (options.reasonString !== false) {
    const worded = encodeReply(reply, reason, `${violation.message} [${violation.clause}]`)
    if (worded.length <= maximumPacketSize) return worded
  }
  const bare = encodeReply(reply, reason, undefined)
  return bare.length <= maximumPacketSize ? bare : undefined
}

function encodeReply(reply: 'connack' | 'disconnect', reason: number, reasonString: string | undefined): Buffer {
  if (reply === 'disconnect') return encodeDisconnect(reason, reasonString)
  return encodeConnack(5, { sessionPresent: false, reason, returnCode: 0, properties: { reasonString } })
}
