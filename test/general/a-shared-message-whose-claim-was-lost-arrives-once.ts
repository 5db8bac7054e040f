// A member of a shared subscription is slow, and loses its claim to another one: does a message of QoS 2 arrive once all the same?
import { t } from '../support/tap.ts'
import type { ClaimOwner, Store } from '../../store/contract.ts'
import { eventually } from '../support/index.ts'
import { join, type Person, publish } from './support/people.ts'
import { serve } from './support/serve.ts'

interface Signal {
  readonly told: Promise<void>
  readonly tell: () => void
}

function signal(): Signal {
  let tell: () => void = () => undefined
  const told = new Promise<void>((resolve) => (tell = resolve))
  return { told, tell }
}

/** QoS 2 to the group, to its end. */
async function give({ raw }: Person, text: string, messageId: number): Promise<void> {
  publish(raw, 'shared', text, messageId, { qos: 2 })
  await raw.next('pubrec')
  raw.send({ cmd: 'pubrel', messageId })
  await raw.next('pubcomp')
}

/** All that these get until each has had a message of its own. */
async function received(all: readonly Person[], writer: Person): Promise<string[]> {
  const texts: string[] = []
  for (const at of all.keys()) publish(writer.raw, `own/${at}`, 'own', 100 + at)
  for (const { raw } of all) {
    for (let isDone = false; !isDone; ) {
      const packet = await raw.next()
      if (packet.cmd === 'pubrel') raw.send({ cmd: 'pubcomp', messageId: packet.messageId! })
      if (packet.cmd !== 'publish') continue
      const text = packet.payload.toString()
      isDone = text === 'own'
      if (!isDone) texts.push(text)
      if (packet.qos === 2) raw.send({ cmd: 'pubrec', messageId: packet.messageId! })
    }
  }
  return texts
}

await t.test('it falls to another member before it is settled', async (t) => {
  const server = await serve(t)
  const { store } = server
  const members = await Promise.all(['one', 'two'].map((name) => join(t, server, name)))
  for (const [at, { raw }] of members.entries()) await raw.subscribe([`own/${at}`, '$share/group/shared'], 2)
  const writer = await join(t, server, 'writer', { expiry: 0 })

  const [fell, settled] = [signal(), signal()]
  const claimants = new Set<string>()
  const assign = store.assignShared.bind(store)
  const assignShared: Store['assignShared'] = async (claim, offset, name) => {
    claimants.add(claim.member)
    if (claimants.size > 1) {
      fell.tell()
      await settled.told
    }
    return await assign(claim, offset, name)
  }
  const settle = store.settleUpstream.bind(store)
  let first: ClaimOwner | undefined
  const settleUpstream: Store['settleUpstream'] = async (claim, offsets) => {
    if (first !== undefined) return await settle(claim, offsets)
    first = claim
    await store.releaseClaims(claim)
    await fell.told
    const done = await settle(claim, offsets)
    // What follows from that is with the store before this.
    setImmediate(() => void store.forgetUid('nothing', []).then(() => settled.tell()))
    return done
  }
  const append = store.appendSessions.bind(store)
  const handedOver: string[] = []
  const appendSessions: Store['appendSessions'] = async (each) => {
    const outcomes = await append(each)
    if (each.uid?.startsWith('g/') === true) handedOver.push(...outcomes)
    return outcomes
  }
  t.capture(store, 'appendSessions', appendSessions)
  t.capture(store, 'assignShared', assignShared)
  t.capture(store, 'settleUpstream', settleUpstream)

  await give(writer, 'for one of all', 1)
  await settled.told
  await eventually('both have handed it over', () => handedOver.length === 2)
  t.equal(claimants.size, 2, 'both had it')
  t.same(await received(members, writer), ['for one of all'])
})
