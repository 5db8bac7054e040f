/** What became of something that was asked of a server whose store has a fault. */
import { type Device, UnexpectedAnswer } from '../../support/index.ts'

/** `done`: acknowledged, so it must not be lost. `refused`: with the catalogue's error for a store that does not answer. */
export type Outcome = 'done' | 'refused'

/** STORE_UNAVAILABLE as each answer can say it: CONNACK and DISCONNECT 0x88, PUBACK 0x83, SUBACK 0x80 or 0x83. */
const REFUSALS = [0x80, 0x83, 0x88]

/** A connection that the server closed, with the reason of its DISCONNECT. */
class Closed extends Error {
  readonly code: number | undefined

  constructor(code: number | undefined) {
    super(`closed with ${code}`)
    this.code = code
  }
}

/** @throws what is neither an acknowledgement nor that refusal */
export async function outcomeOf(work: Promise<unknown>): Promise<Outcome> {
  try {
    await work
    return 'done'
  } catch (error) {
    if (error instanceof UnexpectedAnswer && error.answer.status === 503 && error.code === 'STORE_UNAVAILABLE')
      return 'refused'
    if (REFUSALS.includes((error as { code?: number }).code ?? 0)) return 'refused'
    throw error
  }
}

/** MQTT.js waits forever for an answer that the close of the connection took away. */
export function orClosed<T>(device: Device, work: Promise<T>): Promise<T> {
  const closed = device.closed.then((): never => {
    throw new Closed(device.disconnectPacket?.reasonCode)
  })
  return Promise.race([work, closed])
}
