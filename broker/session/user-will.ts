/** The will of a user: a message to general topics, when its connection is gone. */
import { PushError } from '../../errors.ts'
import type { Will } from '../codec/packets.ts'
import type { User } from './general.ts'
import { generalMessageOfWill } from './general-message.ts'
import { decodeWill, encodeWill } from './stored-will.ts'
import type { UserNode } from './user-node.ts'
import { topicRefusal } from './user-publish.ts'

interface WillOwner {
  /** The session that left it. */
  readonly name: string
}

/** Its user may publish it: nobody asks again when its time has come. */
export function encodeUserWill(name: string, will: Will): Uint8Array {
  return encodeWill<WillOwner>({ name }, will)
}

/** @throws STORE_UNAVAILABLE */
export async function publishStoredUserWill(node: UserNode, value: Uint8Array): Promise<void> {
  const stored = decodeWill<WillOwner>(value)
  if (stored !== undefined) await publishUserWill(node, stored.of.name, stored.will)
}

/** [MQTT-3.1.2-8] after any end but a DISCONNECT. @throws STORE_UNAVAILABLE */
export async function publishUserWill(node: UserNode, name: string, will: Will): Promise<void> {
  await node.router.publish(generalMessageOfWill(node, will, name))
}

/** Nobody is there to be told that it is refused. */
export async function mayLeave(node: UserNode, user: User, will: Will): Promise<boolean> {
  const { topic, qos, retain } = will
  try {
    const refusal = topicRefusal(topic)
    if (refusal !== undefined) throw refusal
    if (await user.mayPublish(topic, { qos, retain })) return true
    throw new PushError('TOPIC_FORBIDDEN')
  } catch (error) {
    const code = error instanceof PushError ? error.code : 'TOPIC_FORBIDDEN'
    node.logger.info({ code, ...(error instanceof PushError ? {} : { err: error }) }, 'will refused')
    return false
  }
}
