/**
 * Guards the rules that an embedding program has for one user: a rule that throws, does not answer in time, or returns
 * something invalid allows nothing, and delays nobody else.
 */
import type { Logger } from 'pino'
import { inTime } from '../../common/in-time.ts'
import type { Limits } from '../../common/limits.ts'
import { PushError } from '../../errors.ts'
import type { QoS } from '../codec/packets.ts'
import type { User } from './general.ts'

export interface RulesContext {
  readonly logger: Logger
  /** As long as a CONNECT may wait: until a rule answers, its client is neither read from nor let go of. */
  readonly limits: Pick<Limits, 'connectTimeoutMs'>
}

export class RuledUser implements User {
  readonly kind = 'user'
  readonly name: string
  readonly isVerified: boolean
  readonly #user: User
  readonly #context: RulesContext
  /** Absent where there is no such rule. */
  readonly mayReceive?: (topic: string) => boolean

  /** @throws TypeError when it is no user */
  constructor(user: User, context: RulesContext) {
    if (typeof user.name !== 'string') throw new TypeError('the name of a user is a string')
    this.name = user.name
    this.isVerified = user.isVerified === true
    this.#user = user
    this.#context = context
    if (user.mayReceive !== undefined) this.mayReceive = (topic) => this.#mayReceive(topic)
  }

  mayPublish(topic: string, options: Parameters<User['mayPublish']>[1]): boolean | Promise<boolean> {
    const answer: unknown = this.#user.mayPublish(topic, options)
    return isThenable(answer) ? this.#answered(answer).then((each) => each === true) : answer === true
  }

  maySubscribe(filter: string, qos: QoS): ReturnType<User['maySubscribe']> {
    const answer: unknown = this.#user.maySubscribe(filter, qos)
    return isThenable(answer) ? this.#answered(answer).then((each) => granted(each, qos)) : granted(answer, qos)
  }

  #answered(answer: PromiseLike<unknown>): Promise<unknown> {
    return inTime(Promise.resolve(answer), this.#context.limits.connectTimeoutMs, late)
  }

  #mayReceive(topic: string): boolean {
    try {
      const answer: unknown = this.#user.mayReceive?.(topic)
      // It is asked when the message is to go: there is no time to wait.
      if (isThenable(answer)) Promise.resolve(answer).catch(() => undefined)
      return answer === true
    } catch (error) {
      this.#context.logger.info({ err: error }, '`mayReceive` threw; not sending the message')
      return false
    }
  }
}

export function late(): PushError {
  return new PushError('USER_UNCHECKED', 'no answer in time')
}

function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  return typeof answer === 'object' && answer !== null && 'then' in answer
}

function granted(answer: unknown, asked: QoS): QoS | undefined {
  if (answer !== 0 && answer !== 1 && answer !== 2) return undefined
  return answer < asked ? answer : asked
}
