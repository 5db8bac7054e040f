// Does each of many devices get exactly the broadcasts that its tags fit: live, after it was away, retained, and over HTTP?
import type { Test } from 'tap'
import type { TagSelector } from '../../topics/index.ts'
import { t } from '../support/tap.ts'
import { ack, type Device, type Issued, lookup, metric, startRedis } from '../support/index.ts'
import { embed, type Embedded } from '../plugin/support/embed.ts'
import { broadcast, broadcastsSoFar, connectTagged, issueTagged, KEPT } from './support/tagged.ts'

const DEVICES: Record<string, readonly string[]> = {
  plain: [],
  beta: ['beta'],
  muted: ['beta', 'muted'],
  staff: ['eu', 'staff'],
  capital: ['Beta', 'STAFF'],
}

/** What is sent, and who gets it. */
const BROADCASTS: [string, TagSelector | undefined, string[]][] = [
  ['any', { any: ['beta', 'staff'] }, ['beta', 'muted', 'staff']],
  ['for all', undefined, Object.keys(DEVICES)],
  ['all', { all: ['eu', 'staff'] }, ['staff']],
  ['none', { none: ['beta', 'muted'] }, ['plain', 'staff', 'capital']],
  ['any, none', { any: ['beta', 'staff'], none: ['muted'] }, ['beta', 'staff']],
  ['everything', { any: ['beta', 'x'], all: ['beta', 'muted'], none: ['x'] }, ['muted']],
  ['nobody', { any: ['x'] }, []],
  ['for all again', undefined, Object.keys(DEVICES)],
]
/** They are sent at one time, so that some come together, in any order. */
function gotItsOwn(t: Test, name: string, got: readonly string[]): void {
  const expected = BROADCASTS.filter(([, , who]) => who.includes(name)).map(([text]) => text)
  t.same([...got].sort(), expected.sort(), name)
}

await t.test('engines', async (t) => {
  const redis = await startRedis(t)
  for (const [engine, options] of Object.entries({ level: {}, redis: { redisUrl: redis.url } }))
    await t.test(engine, async (t) => everyWay(t, await embed(t, options)))
})

async function everyWay(t: Test, server: Embedded): Promise<void> {
  const sendAll = async (options = {}) => {
    await Promise.all(BROADCASTS.map(([text, tags]) => broadcast(server, text, tags, options)))
  }
  const issueAll = async (kind: string) => {
    const issued: Record<string, Issued> = {}
    for (const [name, tags] of Object.entries(DEVICES))
      issued[name] = await issueTagged(server, `${kind} ${name}`, tags)
    return Object.entries(issued)
  }

  await t.test('live', async (t) => {
    const people: [string, Device][] = []
    for (const [name, issued] of await issueAll('live')) people.push([name, await connectTagged(t, server, issued)])
    await sendAll()
    for (const [name, device] of people) gotItsOwn(t, name, await broadcastsSoFar(server, device))
  })

  await t.test('live, to those who subscribed to several versions, or with QoS 0', async (t) => {
    const people: [string, Device][] = []
    for (const [name, issued] of await issueAll('several')) {
      const several = await connectTagged(t, server, issued)
      await several.subscribe(['chat/2.0', 'chat/*', 'chat/nightly'])
      people.push([name, several])
    }
    for (const [name, issued] of await issueAll('once')) {
      const once = await connectTagged(t, server, issued)
      await once.subscribe('chat/1.0', { qos: 0 })
      people.push([name, once])
    }
    await sendAll()
    for (const [name, device] of people) gotItsOwn(t, name, await broadcastsSoFar(server, device))
  })

  await t.test('after it was away, and nothing is left', async (t) => {
    const skipped = await metric(server, 'push_skipped_total', 'destination="broadcast"')
    const issued = await issueAll('away')
    for (const [, each] of issued) await (await connectTagged(t, server, each, KEPT)).end()
    await sendAll()
    for (const [name, each] of issued) {
      const device = await connectTagged(t, server, each, KEPT)
      t.ok(device.connack.sessionPresent)
      gotItsOwn(t, name, await broadcastsSoFar(server, device))
      await device.end()
    }
    for (const [name, each] of issued) {
      const { messages, more } = await lookup(server, each.token, { limit: 100 })
      const left = messages.map(({ payload }) => payload ?? '').filter((text) => !text.startsWith('marker '))
      t.same([left, more], [[], false], `${name}, over HTTP`)
    }
    t.equal(await metric(server, 'push_skipped_total', 'destination="broadcast"'), skipped, 'nothing was skipped')
  })

  await t.test('over HTTP, page by page', async (t) => {
    const issued = await issueAll('lookup')
    await sendAll()
    for (const [name, { token }] of issued) {
      const got: string[] = []
      for (;;) {
        const page = await lookup(server, token, { limit: 1 })
        if (page.messages.length === 0 && !page.more) break
        got.push(...page.messages.map(({ payload }) => payload ?? ''))
        await ack(server, token, page.cursor)
      }
      gotItsOwn(t, name, got)
    }
  })

  await t.test('retained', async (t) => {
    for (const [text, tags, who] of BROADCASTS) {
      await broadcast(server, `hidden by ${text}`, undefined, { retain: true, versions: '1.0' })
      await broadcast(server, text, tags, { retain: true, versions: '>=1' })
      for (const [name, issued] of await issueAll(`retained ${text}`)) {
        const device = await connectTagged(t, server, issued)
        t.match(await device.next(), { text: who.includes(name) ? text : `hidden by ${text}`, retain: true }, name)
        await device.end()
      }
    }
  })
}
