/** Whether the publisher of a retained message may still publish it, as Mosquitto's `check_retain_source` requires. */
import { PushError } from '../../errors.ts'
import type { RetainedTopic } from '../../store/contract.ts'
import type { User } from './general.ts'
import type { UserNode } from './user-node.ts'
import { userNamed } from './user-now.ts'

/** Publishers that are remembered for the length of one subscription. */
const PUBLISHERS = 100

export class RetainSources {
  readonly #node: UserNode
  readonly #known = new Map<string, Promise<User | undefined>>()

  constructor(node: UserNode) {
    this.#node = node
  }

  /** True if nobody can tell. @throws STORE_UNAVAILABLE */
  async mayStillWrite({ topic, qos, source }: RetainedTopic): Promise<boolean> {
    const users = this.#node.known.find(source?.users)
    if (source === undefined || users?.find === undefined) return true
    const key = JSON.stringify(source)
    const known = this.#known.get(key)
    const { user: name, clientId } = source
    const asked = known ?? userNamed({ users, name, clientId }, this.#node)
    if (known === undefined && this.#known.size < PUBLISHERS) this.#known.set(key, asked)
    try {
      return (await (await asked)?.mayPublish(topic, { qos, retain: true })) === true
    } catch (error) {
      this.#known.delete(key)
      throw new PushError('STORE_UNAVAILABLE', 'the publisher of a retained message', { cause: error })
    }
  }
}
