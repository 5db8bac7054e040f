/** What users do besides what all principals do. */
import { absent, type Action, asked, TEXTS } from './actions.ts'
import { outcomeOf } from './outcome.ts'
import type { UserParticipant } from './principals.ts'

type UserAction = Action<UserParticipant>

const retainedTopic = (cell: string, text: string) => `kept/${cell}/${text}`
const retainedFilter = (cell: string) => `kept/${cell}/#`

async function bothConnected({ other, member }: UserParticipant): Promise<void> {
  await other.back()
  await member.connect()
}

async function cleanIsBack({ member }: UserParticipant): Promise<void> {
  if (!member.isConnected) await member.connectClean()
}

const connectClean: UserAction = {
  name: 'connect clean',
  before: (participant) => participant.others(),
  during: ({ member }) => outcomeOf(member.connectClean()),
  async after(participant) {
    await participant.others()
    await cleanIsBack(participant)
    await participant.member.subscribe()
    await participant.send(TEXTS.after)
  },
  missing: ({ member }) => absent([TEXTS.after], member.texts),
}

/** Without a log: what is acknowledged has been handed to who is connected. */
const receiveClean: UserAction = {
  name: 'receive clean',
  async before(participant) {
    await participant.others()
    await participant.member.connectClean()
    await participant.member.subscribe()
  },
  during: (participant) => outcomeOf(participant.send(TEXTS.during)),
  async after(participant) {
    await participant.others()
    await cleanIsBack(participant)
    await participant.member.subscribe()
    await participant.send(TEXTS.after)
  },
  missing: ({ member }, outcome) => absent(member.hasStayed ? asked(outcome) : [TEXTS.after], member.texts),
}

const receiveShared: UserAction = {
  name: 'receive shared',
  async before({ other, member, cell, send }) {
    await other.back()
    await member.connect()
    await member.subscribe(`$share/group/to/${cell}`)
    await send(TEXTS.before)
  },
  during: (participant) => outcomeOf(participant.send(TEXTS.during)),
  async after({ other, member, cell, send }) {
    await other.back()
    if (!member.isConnected) await member.connect()
    await member.subscribe(`$share/group/to/${cell}`)
    await send(TEXTS.after)
  },
  missing: ({ member }, outcome) => absent([TEXTS.before, ...asked(outcome)], member.texts),
}

/** What was unsubscribed from brings nothing; what is sent then comes before `after`. */
const unsubscribe: UserAction = {
  name: 'unsubscribe',
  async before(participant) {
    await participant.others()
    await participant.member.start()
  },
  during: ({ member }) => outcomeOf(member.unsubscribe()),
  async after({ other, member, cell, send }) {
    await other.back()
    if (!member.isConnected) await member.connect()
    await member.subscribe(`again/${cell}`)
    await send(UNWANTED)
    await other.publish(`again/${cell}`, TEXTS.after)
  },
  missing({ member }, outcome) {
    const came = outcome === 'done' && member.texts.includes(UNWANTED) ? [`no ${UNWANTED}`] : []
    return [...absent([TEXTS.after], member.texts), ...came]
  },
}
const UNWANTED = 'payload-unwanted'

/** Nobody answers QoS 0: it works again where QoS 1 does. */
const publishQos0: UserAction = {
  name: 'publish with QoS 0',
  before: bothConnected,
  during: ({ member, cell }) => outcomeOf(member.publish(`of/${cell}`, TEXTS.during, { qos: 0 })),
  async after({ other, member, cell }) {
    await other.back()
    await member.back()
    await member.publish(`of/${cell}`, 'payload-of-qos-1')
    await member.publish(`of/${cell}`, TEXTS.after, { qos: 0 })
  },
  missing: ({ other }) => absent([TEXTS.after], other.texts),
}

const publishQos2: UserAction = {
  name: 'publish with QoS 2',
  async before({ other, member, cell }) {
    other.remember()
    await other.connect()
    await other.subscribe(`of/${cell}`, 2)
    member.remember()
    await member.connect()
  },
  during: ({ member, cell }) => outcomeOf(member.publish(`of/${cell}`, TEXTS.during, { qos: 2 })),
  async after({ other, member, cell }) {
    if (!other.isConnected) await other.connect()
    await other.subscribe(`of/${cell}`, 2)
    if (!member.isConnected) await member.connect()
    if (!other.texts.includes(TEXTS.after)) await member.publish(`of/${cell}`, TEXTS.after, { qos: 2 })
  },
  missing: ({ other }) =>
    [TEXTS.during, TEXTS.after].filter((text) => other.texts.filter((each) => each === text).length !== 1),
}

const retain: UserAction = {
  name: 'retain',
  async before({ other, member, cell }) {
    await other.back()
    await member.connect()
    await member.publish(retainedTopic(cell, 'before'), TEXTS.before, { retain: true })
  },
  during: ({ member, cell }) =>
    outcomeOf(member.publish(retainedTopic(cell, 'during'), TEXTS.during, { retain: true })),
  async after({ other, member, cell }) {
    await other.back()
    await member.back()
    await member.publish(retainedTopic(cell, 'after'), TEXTS.after, { retain: true })
    await other.subscribe(retainedFilter(cell))
  },
  missing: ({ other }, outcome) => absent([TEXTS.before, ...asked(outcome)], other.texts),
}

/** Where the SUBSCRIBE is acknowledged, what is retained comes without another one. */
const readRetained: UserAction = {
  name: 'read retained',
  async before({ other, member, cell }) {
    await other.back()
    await other.publish(retainedTopic(cell, 'before'), TEXTS.before, { retain: true })
    await member.connect()
  },
  during: ({ member, cell }) => outcomeOf(member.subscribe(retainedFilter(cell))),
  async after({ other, member, cell }, outcome) {
    await other.back()
    if (!member.isConnected) await member.connect()
    if (outcome === 'refused') await member.subscribe(retainedFilter(cell))
    await member.subscribe(`to/${cell}`)
    await other.publish(`to/${cell}`, TEXTS.after)
  },
  missing: ({ member }) => absent([TEXTS.before, TEXTS.after], member.texts),
}

/** Nobody is told that it went: it goes, when it can. */
const will: UserAction = {
  name: 'will',
  async before({ other, member, cell }) {
    await other.back()
    await member.connect({ will: { topic: `of/${cell}`, payload: Buffer.from(TEXTS.during), qos: 1, retain: false } })
  },
  async during({ member }) {
    await member.cut()
    return 'done'
  },
  async after({ other, member, cell }) {
    await other.back()
    await member.back()
    await member.publish(`of/${cell}`, TEXTS.after)
  },
  missing: ({ other }) => absent([TEXTS.during, TEXTS.after], other.texts),
}

export const USER_ACTIONS: readonly UserAction[] = [
  connectClean,
  receiveClean,
  receiveShared,
  unsubscribe,
  publishQos0,
  publishQos2,
  retain,
  readRetained,
  will,
]
