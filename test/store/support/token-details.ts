/** What is known of a token id beside its names, when it was last seen, and a listing of all. */
import type { Test } from 'tap'
import { NO_DETAILS } from '../../../store/details.ts'
import { accountMark } from '../../../topics/index.ts'
import { APP, DAY, HOUR, type MakeEngine, scenario, type World } from './world.ts'

const MARK = accountMark(Buffer.alloc(32, 7), APP, 'anna')
const FULL = {
  accountMark: MARK,
  epochs: [1_800_000_000_001, 7] as const,
  tags: Array.from({ length: 16 }, (_, at) => `${String.fromCharCode(97 + at)}`.padEnd(64, 'ä').slice(0, 33)),
  version: '2.1.0-rc.1+ä',
}

export async function tokenDetails(t: Test, makeEngine: MakeEngine): Promise<void> {
  await knowing(t, makeEngine)
  await listing(t, makeEngine)
}

async function knowing(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a part of the details that is absent stays as it is known', async (t, world) => {
    const known = async () => (await world.store.lookupToken(world.idOf()))?.details
    t.same((await world.register()).details, NO_DETAILS)
    t.same((await world.register({}, FULL)).details, FULL)
    await world.reopen()
    t.same(await known(), FULL)
    t.same((await world.register()).details, FULL)
    t.same((await world.register({}, {})).details, FULL)
    t.same((await world.register({}, { version: '' })).details, { ...FULL, version: '' })
    t.same((await world.register({}, { tags: ['one'] })).details, { ...FULL, version: '', tags: ['one'] })
    await world.register({}, { epochs: [5, 9] })
    t.same((await known())?.epochs, [FULL.epochs[0], 9], 'epochs only grow')
    t.same((await world.register({}, { tags: [], accountMark: '' })).details, {
      ...NO_DETAILS,
      epochs: [FULL.epochs[0], 9],
    })
    t.same((await world.store.lookupToken(await world.token({ device: 'tablet' })))?.details, NO_DETAILS)
    const wrong = world.registration({ device: 'x' }, { accountMark: 'anna' })
    await t.rejects(world.store.registerToken(wrong), TypeError)
  })

  await scenario(t, makeEngine, 'a session is opened with the tags as they are', async (t, world) => {
    const open = async () => (await world.open(world.idOf(), (await world.register()).generation)).tags
    t.equal(await open(), undefined)
    await world.register({}, { ...FULL, tags: [] })
    t.equal(await open(), undefined)
    await world.register({}, { tags: FULL.tags })
    t.same(await open(), FULL.tags)
    await world.register({}, { version: '3' })
    t.same(await open(), FULL.tags)
    await world.register({}, { tags: ['a', 'b'] })
    await world.reopen()
    t.same(await open(), ['a', 'b'])
    await world.register({}, { tags: [] })
    t.equal(await open(), undefined, 'they can be taken back')
  })

  await scenario(t, makeEngine, 'nothing is known of a token id that was forgotten', async (t, world) => {
    await world.register({}, FULL)
    world.pass(400 * DAY)
    await world.store.sweep()
    t.equal(await world.store.lookupToken(world.idOf()), undefined)
    const { generation, details } = await world.register()
    t.same(details, NO_DETAILS)
    t.equal((await world.open(world.idOf(), generation)).tags, undefined)
  })

  await scenario(t, makeEngine, 'it is known when a device was last seen', async (t, world) => {
    const token = world.idOf()
    const seen = async (at: number, about: string) => {
      t.equal((await world.store.lookupToken(token))?.lastSeen, Math.floor(at / 1000) * 1000, about)
    }
    const { generation } = await world.register()
    await seen(world.now, 'registered')
    world.pass(HOUR + 1)
    const { epoch } = await world.open(token, generation)
    const opened = world.now
    world.pass(HOUR)
    await world.send(token)
    await world.store.saveSession(token, epoch, Buffer.from('state'))
    await world.store.closeSession(token, epoch - 1, { stateExpiresAt: 0 })
    await seen(opened, 'opened; an older session tells nothing')
    await world.reopen()
    await seen(opened, 'after a restart')
    await world.store.closeSession(token, epoch, { state: Buffer.from('state'), stateExpiresAt: Infinity })
    await seen(world.now, 'closed')
    const again = await world.open(token, generation)
    world.pass(HOUR)
    await world.store.closeSession(token, again.epoch, { stateExpiresAt: 0 })
    await seen(world.now, 'ended')
    const closed = world.now
    world.pass(HOUR)
    await world.register({ account: 'bert' })
    await world.store.revokeToken(token)
    await seen(closed, 'what others do does not count')
  })
}

async function listing(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'all token ids are listed page by page', async (t, world) => {
    t.same(await allOf(world, 10), [])
    const people = Array.from({ length: 60 }, (_, number) => ({ device: `device ${number}` }))
    for (const [number, person] of people.entries())
      await world.register(person, number % 3 === 0 ? { ...FULL, tags: [`${number}`] } : undefined)
    await world.store.revokeToken(world.idOf(people[1]))
    await world.register({ ...people[2], account: 'bert' })
    const expected = [...people, { ...people[2], account: 'bert' }].map((person) => world.idOf(person)).sort()
    for (const most of [1, 7, 1_000]) {
      const listed = await allOf(world, most)
      t.same(listed.map(({ registration }) => registration.tokenId).sort(), expected, `${most} a page`)
      for (const { registration, privateEnd, ...known } of listed) {
        const { app, expiresAt } = registration
        t.same(await world.store.lookupToken(registration.tokenId), { app, expiresAt, ...known })
        t.ok(privateEnd >= known.cursors.private)
      }
    }
    await world.register({ ...people[0], app: 'mail' })
    const mails = await allOf(world, 3, 'mail')
    t.equal(mails.length, 1, 'only of one app')
    const usual = await world.store.lookupToken(world.idOf(people[0]))
    t.equal((await allOf(world, 3, usual?.app)).length, expected.length)
    for (const after of ['', 'x', '-1', '1e3', '99999', '../..'])
      await t.rejects(world.store.tokenPage(after, 10), { code: 'CURSOR_INVALID' }, after)
  })

  await scenario(
    t,
    makeEngine,
    'who is there all the time is listed once while others come and go',
    async (t, world) => {
      const stays = Array.from({ length: 30 }, (_, number) => ({ device: `stays ${number}` }))
      const goes = Array.from({ length: 30 }, (_, number) => ({ device: `goes ${number}` }))
      for (const person of stays) await world.register(person)
      for (const person of goes) await world.store.registerToken(world.registration(person, undefined, HOUR))
      const listed: string[] = []
      let pages = 0
      for (let after: string | undefined; ; pages += 1) {
        const { tokens, next } = await world.store.tokenPage(after, 5)
        listed.push(...tokens.map(({ registration }) => registration.tokenId))
        if (next === undefined) break
        after = next
        if (pages === 2) {
          world.pass(40 * DAY)
          await world.store.sweep()
        }
        await world.register({ device: `comes ${pages}` })
      }
      t.ok(pages > 5)
      for (const person of stays) t.equal(listed.filter((each) => each === world.idOf(person)).length, 1)
      t.equal(new Set(listed).size, listed.length)
    },
  )
}

async function allOf(world: World, most: number, app?: string) {
  const all = []
  for (let after: string | undefined; ; ) {
    const { tokens, next } = await world.store.tokenPage(after, most, app)
    if (tokens.length > most) throw new Error(`${tokens.length} in a page of ${most}`)
    all.push(...tokens)
    if (next === undefined) return all
    after = next
  }
}
