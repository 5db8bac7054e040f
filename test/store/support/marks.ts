/** What the cursors pass and is still pending: versions that a device did not have yet, and what was too large for it. */
import fc from 'fast-check'
import type { Test } from 'tap'
import type { Commit, Cursors, Marks } from '../../../store/contract.ts'
import { moveCursors, standing } from '../../../store/marks.ts'
import { ALL, type MakeEngine, scenario } from './world.ts'

export async function marks(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'what is skipped stays until it is taken', async (t, world) => {
    const tokenId = await world.token()
    const sent: number[] = []
    for (const payload of ['one', 'large', 'three', 'four']) sent.push((await world.send(tokenId, { payload })).offset)
    const [, large, three, four] = sent as [number, number, number, number]
    await world.store.commit([{ tokenId, private: three, skipped: { private: [large], broadcast: [] } }])
    t.same(await world.texts(tokenId), ['large', 'four'])
    t.match((await world.store.lookupToken(tokenId))?.cursors, { private: three, marks: { skippedPrivate: [large] } })

    await world.store.commit([{ tokenId, private: four }])
    t.same(await world.texts(tokenId), ['large'], 'later commits leave it')
    const next = await world.send(tokenId, { payload: 'five' })
    t.same(await world.texts(tokenId), ['large', 'five'])
    await world.reopen()
    const opened = await world.open(tokenId, (await world.register()).generation)
    t.same(opened.cursors.marks?.skippedPrivate, [large], 'who opens a session is told')

    const again = { tokenId, private: three, skipped: { private: [three], broadcast: [] } }
    await world.store.commit([again])
    t.same(await world.texts(tokenId), ['large', 'five'], 'what was acknowledged does not come back')
    await world.store.commit([{ tokenId, private: next.offset, taken: { private: [large], broadcast: [] } }])
    t.same(await world.texts(tokenId), [])
  })

  await scenario(
    t,
    makeEngine,
    'what is skipped expires, and goes first when the log is full',
    async (t, world) => {
      const tokenId = await world.token()
      const skip = async (offset: number) =>
        await world.store.commit([{ tokenId, private: offset, skipped: { private: [offset], broadcast: [] } }])
      await skip((await world.send(tokenId, { payload: 'a', ttl: 1000 })).offset)
      await skip((await world.send(tokenId, { payload: 'b' })).offset)
      await skip((await world.send(tokenId, { payload: 'c' })).offset)
      world.pass(1000)
      t.same(await world.texts(tokenId), ['b', 'c'])
      await world.store.sweep()
      for (const payload of ['d', 'e']) await world.send(tokenId, { payload })
      t.same(await world.texts(tokenId), ['c', 'd', 'e'])
    },
    { privateMessages: 3 },
  )

  await scenario(t, makeEngine, 'any commits change the marks as the contract says', async (t, world) => {
    const tokenId = await world.token()
    const own = await several(8, () => world.send(tokenId))
    const shared = await several(8, () => world.broadcast(ALL))
    const ends = { private: own.at(-1) ?? 0, broadcast: shared.at(-1) ?? 0 }
    let expected: Cursors = (await world.store.lookupToken(tokenId))?.cursors ?? { private: 0, broadcast: 0 }
    for (const commit of fc.sample(commits(own, shared), { numRuns: 60, seed: 11 })) {
      await world.store.commit([{ tokenId, ...commit }])
      expected = moveCursors(expected, { tokenId, ...commit }, ends)
      const found = (await world.store.lookupToken(tokenId))?.cursors
      if (!t.same(sorted(found), sorted(expected), JSON.stringify(commit))) return
    }
  })

  await scenario(t, makeEngine, 'a version stands where it was acknowledged', async (t, world) => {
    const tokenId = await world.token()
    const sent = await several(3, () => world.broadcast(ALL))
    const at = (index: number) => sent[index] ?? 0
    await world.store.commit([{ tokenId, versions: ['1'], broadcast: at(0) }])
    await world.store.commit([{ tokenId, versions: ['2'], broadcast: at(2), passed: [['3', at(1)]] }])
    const cursors = (await world.store.lookupToken(tokenId))?.cursors ?? { private: 0, broadcast: 0 }
    t.same(
      ['1', '2', '3', '4'].map((version) => standing(cursors, version)),
      [at(0), at(2), at(1), 0],
    )
  })
}

async function several(count: number, send: () => Promise<{ offset: number }>): Promise<number[]> {
  const offsets: number[] = []
  while (offsets.length < count) offsets.push((await send()).offset)
  return offsets
}

function commits(own: readonly number[], shared: readonly number[]): fc.Arbitrary<Omit<Commit, 'tokenId'>> {
  const version = fc.constantFrom('1.0.0', '2.0.0', '3.0.0', 'ä')
  const some = (offsets: readonly number[]) => fc.subarray([...offsets], { maxLength: 3 })
  const skipped = fc.record({ private: some(own), broadcast: some(shared) })
  return fc.record(
    {
      private: fc.constantFrom(...own),
      broadcast: fc.constantFrom(...shared),
      versions: fc.subarray(['1.0.0', '2.0.0', '3.0.0']),
      passed: fc.array(fc.tuple(version, fc.constantFrom(...shared)), { maxLength: 2 }),
      skipped,
      taken: skipped,
    },
    { requiredKeys: [] },
  )
}

/** What passed has no order. */
function sorted(cursors: Cursors | undefined): object | undefined {
  if (cursors?.marks === undefined) return cursors
  const marks: Marks = cursors.marks
  return { ...cursors, marks: { ...marks, passed: Object.fromEntries(marks.passed) } }
}
