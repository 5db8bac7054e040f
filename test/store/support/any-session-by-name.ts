/** Sessions by name as plainly as they can be said, and any sequence of calls on a few of them. */
import { deepStrictEqual } from 'node:assert/strict'
import * as fc from 'fast-check'
import { PushError } from '../../../errors.ts'
import type { SessionClose } from '../../../store/contract.ts'
import type { World } from './world.ts'

/** What a call answers, without its epoch. */
type Answer = { readonly state: string | undefined; readonly unclean: boolean } | 'done' | 'SESSION_TAKEN_OVER'

interface ModelSession {
  readonly held: boolean
  readonly state: string | undefined
  readonly until: number
}

class Model {
  /** All that were given, the newest last. */
  readonly epochs: number[] = []
  #session: ModelSession | undefined

  #living(now: number): ModelSession | undefined {
    const session = this.#session
    return session === undefined || session.held || session.until > now ? session : undefined
  }

  open(now: number, cleanStart: boolean): Answer {
    const resumed = cleanStart ? undefined : this.#living(now)
    this.#session = { held: true, state: resumed?.state, until: Infinity }
    return { state: resumed?.state, unclean: resumed?.held === true }
  }

  save(epoch: number, state: string): Answer {
    if (epoch !== this.epochs.at(-1) || this.#session?.held !== true) return 'SESSION_TAKEN_OVER'
    this.#session = { ...this.#session, state }
    return 'done'
  }

  close(now: number, epoch: number, state: string | undefined, until: number): Answer {
    if (epoch !== this.epochs.at(-1) || this.#living(now) === undefined) return 'done'
    this.#session = state === undefined ? undefined : { held: false, state, until }
    return 'done'
  }
}

type Step = (world: World, name: string, model: Model) => Promise<void>

async function answerOf(call: Promise<void>): Promise<Answer> {
  try {
    await call
    return 'done'
  } catch (error) {
    if (error instanceof PushError && error.code === 'SESSION_TAKEN_OVER') return error.code
    throw error
  }
}

const state = fc.string({ maxLength: 8 })
/** 0: the newest epoch, 1: the one before. */
const age = fc.constantFrom(0, 0, 0, 1)

const open = fc.boolean().map(
  (cleanStart): Step =>
    async ({ store, now }, name, model) => {
      const { epoch, state, unclean } = await store.openNamedSession(name, cleanStart)
      deepStrictEqual({ state: state && Buffer.from(state).toString(), unclean }, model.open(now, cleanStart))
      deepStrictEqual(
        model.epochs.filter((given) => given >= epoch),
        [],
        'epochs only grow',
      )
      model.epochs.push(epoch)
    },
)
const save = fc.tuple(age, state).map(
  ([age, state]): Step =>
    async ({ store }, name, model) => {
      const epoch = model.epochs.at(-1 - age)
      if (epoch === undefined) return
      const answer = await answerOf(store.saveNamedSession(name, epoch, Buffer.from(state)))
      deepStrictEqual(answer, model.save(epoch, state))
    },
)
const close = fc.tuple(age, fc.option(state, { nil: undefined }), fc.option(fc.nat(3_000), { nil: Infinity })).map(
  ([age, state, after]): Step =>
    async ({ store, now }, name, model) => {
      const epoch = model.epochs.at(-1 - age)
      if (epoch === undefined) return
      const until = now + after
      const kept: SessionClose = {
        ...(state === undefined ? {} : { state: Buffer.from(state) }),
        stateExpiresAt: until,
      }
      deepStrictEqual(await answerOf(store.closeNamedSession(name, epoch, kept)), model.close(now, epoch, state, until))
    },
)
const pass = fc.integer({ min: 1, max: 3_000 }).map(
  (time): Step =>
    async (world) =>
      world.pass(time),
)
const sweep = fc.constant<Step>(({ store }) => store.sweep())
const reopen = fc.constant<Step>((world) => world.reopen())

const step = fc.oneof(
  { weight: 10, arbitrary: open },
  { weight: 4, arbitrary: save },
  { weight: 10, arbitrary: close },
  { weight: 4, arbitrary: pass },
  { weight: 2, arbitrary: sweep },
  { weight: 1, arbitrary: reopen },
)

/** Of one name after the other; rejects with the shortest sequence that an engine does not answer as it should. */
export async function anySessionByName(world: World): Promise<void> {
  let runs = 0
  const property = fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }), async (steps) => {
    const name = `name ${(runs += 1)}`
    const model = new Model()
    for (const step of steps) await step(world, name, model)
  })
  await fc.assert(property, { numRuns: 10 })
}
