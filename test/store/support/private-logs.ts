/** Appending, reading, acknowledging, expiry and caps of private logs. */
import type { Test } from 'tap'
import { DAY, EVERYTHING, HOUR, type MakeEngine, offsets, scenario } from './world.ts'

export async function privateLogs(t: Test, makeEngine: MakeEngine): Promise<void> {
  await reading(t, makeEngine)
  await duplicates(t, makeEngine)
  await acknowledging(t, makeEngine)
  await expiry(t, makeEngine)
  await caps(t, makeEngine)
}

async function reading(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a message comes back as it was stored', async (t, world) => {
    const token = await world.token()
    const payload = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const drafts = [
      { payload, properties: Buffer.from([3, 0, 1, 0x61]) },
      { payload: '', id: 'ünïcode 🎈', retain: true },
      { payload: Buffer.alloc(256 * 1024, 0xab), id: 'x'.repeat(128) },
    ]
    const messages = drafts.map((draft) => world.message(draft))
    for (const message of messages) await world.store.append({ tokenId: token, message, dedupe: false })
    const { entries, readTo, end } = await world.store.readPrivate(token, 0, EVERYTHING)
    t.equal(entries.length, messages.length)
    t.ok(readTo >= end && end === entries.at(-1)?.offset)
    for (const [position, message] of messages.entries()) {
      const entry = entries[position]!
      const { payload: bytes, properties, ...rest } = entry
      t.ok(Buffer.from(bytes).equals(message.payload))
      t.same(properties && Buffer.from(properties), message.properties)
      t.equal('properties' in entry, 'properties' in message)
      const { id, retain, storedAt, expiresAt } = message
      t.same(rest, { id, retain, storedAt, expiresAt, offset: entry.offset })
    }
  })

  await scenario(t, makeEngine, 'appends take effect in the order they were made', async (t, world) => {
    const token = await world.token()
    const other = await world.token({ device: 'tablet' })
    const names = Array.from({ length: 200 }, (_, number) => `message ${number}`)
    const both = await Promise.all(
      names.map((payload) => Promise.all([world.send(token, { payload }), world.send(other, { payload })])),
    )
    const given = both.map(([one]) => one.offset)
    t.same(
      given,
      given.toSorted((a, b) => a - b),
    )
    t.equal(new Set(given).size, given.length)
    t.same(await world.texts(token), names)
    t.same(await world.texts(other), names)
    t.same(offsets(await world.store.readPrivate(token, 0, EVERYTHING)), given)
  })

  await scenario(t, makeEngine, 'a revocation is between the appends it was made between', async (t, world) => {
    const token = await world.token()
    const results = await Promise.allSettled([
      world.send(token, { payload: 'before' }),
      world.store.revokeToken(token),
      world.send(token, { payload: 'after' }),
    ])
    t.same(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected'],
    )
    t.same(await world.texts(token), ['before'])
  })

  await scenario(t, makeEngine, 'a read keeps to its limits and says where to go on', async (t, world) => {
    const token = await world.token()
    for (const payload of ['aaaa', 'bbbb', 'cccc', 'dddd', 'eeee']) await world.send(token, { payload })
    const end = (await world.store.readPrivate(token, 0, EVERYTHING)).end
    const read: number[] = []
    let after = 0
    for (let reads = 0; after < end; reads += 1) {
      t.ok(reads < 3)
      const slice = await world.store.readPrivate(token, after, { entries: 2, bytes: 1_000 })
      t.ok(slice.entries.length > 0 && slice.entries.length <= 2)
      t.equal(slice.end, end)
      t.ok(slice.readTo >= slice.entries.at(-1)!.offset)
      read.push(...offsets(slice))
      after = slice.readTo
    }
    t.equal(read.length, 5)
    t.equal((await world.store.readPrivate(token, 0, { entries: 100, bytes: 8 })).entries.length, 2)
    t.equal((await world.store.readPrivate(token, 0, { entries: 100, bytes: 11 })).entries.length, 2)
    t.equal((await world.store.readPrivate(token, 0, { entries: 100, bytes: 1 })).entries.length, 1, 'one at least')
    t.same((await world.store.readPrivate(token, end, EVERYTHING)).entries, [])
    t.same((await world.store.readPrivate(token, end + 1_000, EVERYTHING)).entries, [])
    t.equal((await world.store.readPrivate(token, end, EVERYTHING)).end, end)
  })
}

async function duplicates(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'the same id is the same message', async (t, world) => {
    const token = await world.token()
    const other = await world.token({ device: 'tablet' })
    const first = await world.send(token, { id: 'a', payload: 'one', dedupe: true })
    t.match(first, { duplicate: false, dropped: 0 })
    const duplicate = { ...first, duplicate: true }
    world.pass(1)
    t.same(await world.send(token, { id: 'a', payload: 'one', dedupe: true }), duplicate)
    t.match(await world.send(other, { id: 'a', dedupe: true }), { duplicate: false })
    t.match(await world.send(token, { id: 'b', payload: 'other', dedupe: true }), { duplicate: false })
    t.same(await world.texts(token), ['one', 'other'])
    await world.store.commit([{ tokenId: token, private: first.offset + 1 }])
    const again = { id: 'a', payload: 'one', dedupe: true }
    t.same(await world.send(token, again), duplicate, 'also after it was acknowledged')
    await world.reopen()
    t.same(await world.send(token, again), duplicate, 'also after a restart')
  })

  await scenario(t, makeEngine, 'the same id at the same time is the same message', async (t, world) => {
    const token = await world.token()
    const all = await Promise.all(
      Array.from({ length: 20 }, () => world.send(token, { id: 'a', payload: 'one', dedupe: true })),
    )
    t.equal(all.filter(({ duplicate }) => !duplicate).length, 1)
    t.equal(new Set(all.map(({ offset }) => offset)).size, 1)
    t.same(await world.texts(token), ['one'])
  })

  await scenario(
    t,
    makeEngine,
    'an id is remembered for a time, and as long as its message lives',
    async (t, world) => {
      const token = await world.token()
      await world.send(token, { id: 'short', ttl: HOUR, dedupe: true })
      await world.send(token, { id: 'long', ttl: 4 * HOUR, dedupe: true })
      world.pass(1.5 * HOUR)
      await world.store.sweep()
      t.match(await world.send(token, { id: 'short', dedupe: true }), { duplicate: true })
      world.pass(HOUR)
      await world.store.sweep()
      t.match(await world.send(token, { id: 'short', dedupe: true }), { duplicate: false })
      const long = { id: 'long', ttl: 4 * HOUR, dedupe: true }
      t.match(await world.send(token, long), { duplicate: true })
      world.pass(2 * HOUR)
      t.match(await world.send(token, long), { duplicate: false }, 'without a sweep')
    },
    { dedupeMs: 2 * HOUR },
  )
}

async function acknowledging(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a commit moves the cursor and trims the log', async (t, world) => {
    const token = await world.token()
    const sent = [await world.send(token, { payload: 'one' }), await world.send(token, { payload: 'two' })]
    t.same(await world.store.commit([{ tokenId: token, private: sent[0]!.offset }]), [])
    t.same(await world.texts(token), ['two'])
    t.match(await world.store.lookupToken(token), { cursors: { private: sent[0]!.offset, broadcast: 0 } })
    await world.store.commit([{ tokenId: token, private: 0 }, { tokenId: token }])
    t.match(await world.store.lookupToken(token), { cursors: { private: sent[0]!.offset } }, 'never back')
  })

  await scenario(t, makeEngine, 'a cursor beyond the end is cut to the end', async (t, world) => {
    const token = await world.token()
    const begin = await world.cursorOf(token)
    await world.store.commit([{ tokenId: token, private: begin + 1_000 }])
    t.equal(await world.cursorOf(token), begin)
    const { offset } = await world.send(token, { payload: 'one' })
    t.same(await world.texts(token), ['one'], 'nothing was acknowledged before it was sent')
    await world.store.commit([{ tokenId: token, private: offset + 1_000 }])
    t.match(await world.store.lookupToken(token), { cursors: { private: offset } })
    await world.send(token, { payload: 'two' })
    t.same(await world.texts(token), ['two'])
  })

  await scenario(t, makeEngine, 'offsets are never used twice', async (t, world) => {
    const token = await world.token()
    const given: number[] = []
    const append = async () => given.push((await world.send(token, { ttl: HOUR })).offset)
    await append()
    await append()
    await world.store.commit([{ tokenId: token, private: given.at(-1)! }])
    await append()
    await world.reopen()
    await append()
    world.pass(2 * HOUR)
    await world.store.sweep()
    await append()
    await world.reopen()
    await world.store.commit([{ tokenId: token, private: given.at(-1)! }])
    await world.reopen()
    await append()
    t.ok(given[0]! > 0)
    t.ok(given.every((offset, position) => position === 0 || offset > given[position - 1]!))
    t.equal((await world.store.readPrivate(token, 0, EVERYTHING)).end, given.at(-1))
  })

  await scenario(t, makeEngine, 'many commits in one call', async (t, world) => {
    const tokens: string[] = []
    for (let device = 0; device < 100; device += 1) tokens.push(await world.token({ device: `device ${device}` }))
    await Promise.all(tokens.flatMap((token) => [world.send(token), world.send(token, { payload: 'left' })]))
    const begin = await Promise.all(tokens.map((token) => world.cursorOf(token)))
    const commits = tokens.map((token, position) => ({ tokenId: token, private: begin[position]! + 1 }))
    t.same(await world.store.commit(commits), [])
    for (const token of tokens) t.same(await world.texts(token), ['left'])
    t.same(await world.store.commit([]), [])
  })
}

async function expiry(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'an expired message is not read, and counted once', async (t, world) => {
    const token = await world.token()
    await world.send(token, { payload: 'long', ttl: 3 * HOUR })
    await world.send(token, { payload: 'short', ttl: HOUR })
    const last = await world.send(token, { payload: 'middle', ttl: 2 * HOUR })
    world.pass(HOUR - 1)
    t.same(await world.texts(token), ['long', 'short', 'middle'])
    world.pass(1)
    t.same(await world.texts(token), ['long', 'middle'], 'never at its time or after it')
    t.match(await world.store.readPrivate(token, last.offset - 1, { entries: 1, bytes: 100 }), { readTo: last.offset })
    await world.store.sweep()
    t.equal(world.counted.counts.expired.private, 1)
    world.pass(HOUR)
    await world.store.sweep()
    await world.store.sweep()
    t.equal(world.counted.counts.expired.private, 2)
    t.same(await world.texts(token), ['long'])
    world.pass(HOUR)
    t.match(await world.store.readPrivate(token, 0, EVERYTHING), { entries: [], readTo: last.offset, end: last.offset })
    await world.store.sweep()
    t.equal(world.counted.counts.expired.private, 3)
    t.same(world.counted.counts.dropped, { private: 0, broadcast: 0 })
  })

  await scenario(t, makeEngine, 'what was acknowledged does not expire', async (t, world) => {
    const token = await world.token()
    const { offset } = await world.send(token)
    await world.send(token, { ttl: DAY })
    await world.store.commit([{ tokenId: token, private: offset }])
    world.pass(2 * HOUR)
    await world.store.sweep()
    t.equal(world.counted.counts.expired.private, 0)
  })

  await scenario(t, makeEngine, 'a sweep finds what expired, in every log', async (t, world) => {
    const tokens: string[] = []
    for (let device = 0; device < 50; device += 1) tokens.push(await world.token({ device: `device ${device}` }))
    for (const [position, token] of tokens.entries()) {
      await world.send(token, { payload: 'kept', ttl: DAY })
      for (let more = 0; more < 3; more += 1) await world.send(token, { ttl: HOUR + position })
    }
    world.pass(HOUR + 24)
    await world.store.sweep()
    t.equal(world.counted.counts.expired.private, 25 * 3)
    world.pass(HOUR)
    await world.store.sweep()
    t.equal(world.counted.counts.expired.private, 50 * 3)
    for (const token of tokens) t.same(await world.texts(token), ['kept'])
  })
}

async function caps(t: Test, makeEngine: MakeEngine): Promise<void> {
  const many = { privateMessages: 3 }
  await scenario(
    t,
    makeEngine,
    'a log with as many messages as it may have drops the oldest',
    async (t, world) => {
      const token = await world.token()
      const results = []
      for (const payload of ['1', '2', '3', '4', '5']) results.push(await world.send(token, { payload }))
      t.same(
        results.map(({ dropped }) => dropped),
        [0, 0, 0, 1, 1],
      )
      t.same(await world.texts(token), ['3', '4', '5'])
      t.same(world.counted.counts.dropped, { private: 2, broadcast: 0 })
      await world.store.commit([{ tokenId: token, private: results[2]!.offset }])
      t.match(await world.send(token, { payload: '6' }), { dropped: 0 }, 'what was acknowledged makes room')
      t.match(await world.send(token, { payload: '7' }), { dropped: 1 })
      t.same(await world.texts(token), ['5', '6', '7'])
    },
    many,
  )

  await scenario(
    t,
    makeEngine,
    'appends of one moment have each their own result',
    async (t, world) => {
      const token = await world.token()
      const other = await world.token({ device: 'tablet' })
      const first = await world.send(token, { id: 'a', payload: '1', dedupe: true })
      world.pass(1)
      const results = await Promise.all([
        world.send(token, { payload: '2' }),
        world.send(token, { id: 'b', payload: '3', dedupe: true }),
        world.send(token, { id: 'a', payload: '1', dedupe: true }),
        world.send(other, { payload: 'elsewhere' }),
        world.send(token, { payload: '4', retain: true }),
        world.send(token, { id: 'b', payload: '3', dedupe: true }),
        world.send(token, { payload: '5', ttl: 10 }),
      ])
      const [second, third, , apart, fourth, , fifth] = results.map(({ offset }) => offset)
      t.same(
        results.map(({ offset, duplicate, dropped }) => [offset, duplicate, dropped]),
        [
          [second, false, 0],
          [third, false, 0],
          [first.offset, true, 0],
          [apart, false, 0],
          [fourth, false, 1],
          [third, true, 0],
          [fifth, false, 1],
        ],
      )
      t.same(offsets(await world.store.readPrivate(token, 0, EVERYTHING)), [third, fourth, fifth])
      t.same(await world.texts(token), ['3', '4', '5'])
      t.same(await world.texts(other), ['elsewhere'])
      t.equal((await world.store.retainedPrivate(token))?.offset, fourth)
      world.pass(11)
      t.same(await world.texts(token), ['3', '4'], 'each has its own time to live')
    },
    many,
  )

  await scenario(
    t,
    makeEngine,
    'appends of one moment fill a log and drop from it',
    async (t, world) => {
      const token = await world.token()
      const names = Array.from({ length: 50 }, (_, number) => `message ${number}`)
      const results = await Promise.all(names.map((payload) => world.send(token, { payload })))
      t.equal(
        results.reduce((sum, { dropped }) => sum + dropped, 0),
        47,
      )
      t.same(await world.texts(token), names.slice(-3))
      await world.reopen()
      t.same(await world.texts(token), names.slice(-3))
    },
    many,
  )

  await scenario(
    t,
    makeEngine,
    'a log with as many bytes as it may have drops the oldest',
    async (t, world) => {
      const token = await world.token()
      for (const letter of 'abc') await world.send(token, { payload: letter.repeat(3) })
      t.match(await world.send(token, { payload: 'd' }), { dropped: 0 }, '10 of 10')
      t.match(await world.send(token, { payload: 'eeee' }), { dropped: 2 })
      t.same(await world.texts(token), ['ccc', 'd', 'eeee'])
      t.match(await world.send(token, { payload: 'f'.repeat(20) }), { dropped: 3 }, 'larger than the log')
      t.same(await world.texts(token), ['f'.repeat(20)])
      t.match(await world.send(token, { payload: 'g' }), { dropped: 1 })
      t.same(await world.texts(token), ['g'])
    },
    { privateBytes: 10 },
  )

  await scenario(
    t,
    makeEngine,
    'swept messages make room, and a full log of expired ones drops nothing that lives',
    async (t, world) => {
      const token = await world.token()
      for (const payload of ['1', '2', '3']) await world.send(token, { payload })
      world.pass(2 * HOUR)
      t.match(await world.send(token, { payload: '4' }), { dropped: 0 }, 'what had expired is not dropped')
      await world.store.sweep()
      t.same(world.counted.counts, { expired: { private: 3, broadcast: 0 }, dropped: { private: 0, broadcast: 0 } })
      for (const payload of ['5', '6']) t.match(await world.send(token, { payload }), { dropped: 0 })
      t.same(await world.texts(token), ['4', '5', '6'])
    },
    many,
  )
}
