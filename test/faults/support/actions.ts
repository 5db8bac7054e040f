/** What a principal does while the fault lasts, and what must be so when it is over. */
import { outcomeOf, type Outcome } from './outcome.ts'
import type { Participant } from './principals.ts'

export interface Action<P extends Participant = Participant> {
  readonly name: string
  before(participant: P): Promise<void>
  during(participant: P): Promise<Outcome>
  /** Once: what may be asked of the server when it is back; rejects while it is not. */
  after(participant: P, acknowledged: Outcome): Promise<void>
  /** Texts that were acknowledged and are not there: `during` when that was acknowledged. */
  missing(participant: P, acknowledged: Outcome): string[]
}

/** What is sent in each phase; no log may hold it. */
export const TEXTS = { before: 'payload-before', during: 'payload-during', after: 'payload-after' } as const

export const absent = (wanted: readonly string[], texts: readonly string[]) =>
  wanted.filter((text) => !texts.includes(text))
export const asked = (outcome: Outcome) => (outcome === 'done' ? [TEXTS.during, TEXTS.after] : [TEXTS.after])

async function sendsAgain(participant: Participant): Promise<void> {
  await participant.others()
  await participant.member.back()
  await participant.send(TEXTS.after)
}

const connect: Action = {
  name: 'connect',
  before: (participant) => participant.others(),
  during: ({ member }) => outcomeOf(member.connect()),
  async after(participant) {
    await participant.member.back()
    await participant.member.subscribe()
    await sendsAgain(participant)
  },
  missing: ({ member }) => absent([TEXTS.after], member.texts),
}

const subscribe: Action = {
  name: 'subscribe',
  async before(participant) {
    await participant.others()
    await participant.member.connect()
  },
  during: ({ member }) => outcomeOf(member.subscribe()),
  after: connect.after,
  missing: connect.missing,
}

const publish: Action = {
  name: 'publish',
  async before(participant) {
    await participant.others()
    await participant.member.connect()
  },
  during: (participant) => outcomeOf(participant.publish(TEXTS.during)),
  async after(participant) {
    await participant.others()
    await participant.member.back()
    await participant.publish(TEXTS.after)
  },
  missing: (participant, outcome) => absent(asked(outcome), participant.heard()),
}

const receive: Action = {
  name: 'receive',
  async before(participant) {
    await participant.others()
    await participant.member.start()
    await participant.send(TEXTS.before)
  },
  during: (participant) => outcomeOf(participant.send(TEXTS.during)),
  after: sendsAgain,
  missing: ({ member }, outcome) => absent([TEXTS.before, ...asked(outcome)], member.texts),
}

/** With a message that it has not acknowledged, which comes again. */
const leave: Action = {
  name: 'leave',
  async before(participant) {
    await participant.others()
    await participant.member.start({ manualAck: true })
    await participant.send(TEXTS.before)
  },
  async during(participant) {
    await participant.member.leave()
    return await outcomeOf(participant.send(TEXTS.during))
  },
  after: sendsAgain,
  missing: ({ member }, outcome) => absent([TEXTS.before, ...asked(outcome)], member.texts),
}

export const ACTIONS: readonly Action[] = [connect, subscribe, publish, receive, leave]
