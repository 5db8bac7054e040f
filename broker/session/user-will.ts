/** The will of a user: a message to general topics after its connection is lost. */
import { PushError } from '../../errors.ts'
import type { RetainedSource } from '../../store/contract.ts'
import type { Will } from '../codec/packets.ts'
import type { User } from './general.ts'
import { generalMessageOfWill } from './general-message.ts'
import { decodeWill, encodeWill } from './stored-will.ts'
import type { UserNode } from './user-node.ts'
import { topicRefusal } from './user-publish.ts'
import { userNamed } from './user-now.ts'
import type { Users } from './users.ts'

interface WillOwner {
  /** The session that left it. */
  readonly name: string
  /** The name of its user. */
  readonly user: string
  /** Of its `Users`; absent: those of `createPush`; null: nobody knows. */
  readonly users?: string | null
  readonly clientId?: string
}

export function encodeUserWill(of: WillOwner, will: Will): Uint8Array {
  return encodeWill<WillOwner>(of, will)
}

/** Where its user may still publish it, as far as somebody knows. @throws STORE_UNAVAILABLE, and what `Users.find` throws */
export async function publishStoredUserWill(node: UserNode, value: Uint8Array): Promise<void> {
  const { of, will } = decodeWill<WillOwner>(value)
  const users = of.users === null ? undefined : node.known.find(of.users ?? '')
  if (users?.find !== undefined) {
    const user = await found(node, users, of)
    if (user === undefined) return node.logger.info({ code: 'USER_REFUSED' }, 'will refused')
    if (!(await mayLeave(node, user, will))) return
  }
  const { user, users: id = '', clientId = '' } = of
  const source = id === null ? undefined : { users: id, user, clientId }
  await node.router.publish(generalMessageOfWill(node, will, of.name, source))
}

/** @throws STORE_UNAVAILABLE: the will waits a little longer */
async function found(
  node: UserNode,
  users: Users,
  { user: name, clientId = '' }: WillOwner,
): Promise<User | undefined> {
  try {
    return await userNamed({ users, name, clientId }, node)
  } catch (error) {
    throw new PushError('STORE_UNAVAILABLE', 'the user of a will', { cause: error })
  }
}

/** [MQTT-3.1.2-8] after any end but a DISCONNECT. Never rejects. */
export async function publishUserWill(
  node: UserNode,
  name: string,
  will: Will,
  source: RetainedSource | undefined,
): Promise<void> {
  const { router, wills } = node
  const message = generalMessageOfWill(node, will, name, source)
  // Some may have it when the store fails, and it is published again.
  const uid = node.randomId()
  await wills.publish(will.payload.byteLength, async () => {
    await router.publish({ ...message, uid })
    router.forget(uid, message)
  })
}

/** Nobody is there to be told that it is refused. */
export async function mayLeave(node: UserNode, user: User, will: Will): Promise<boolean> {
  const { topic, qos, retain } = will
  try {
    const refusal = topicRefusal(node.terms, topic)
    if (refusal !== undefined) throw refusal
    if (await user.mayPublish(topic, { qos, retain })) return true
    throw new PushError('TOPIC_FORBIDDEN')
  } catch (error) {
    const code = error instanceof PushError ? error.code : 'TOPIC_FORBIDDEN'
    node.logger.info({ code, ...(error instanceof PushError ? {} : { err: error }) }, 'will refused')
    return false
  }
}
