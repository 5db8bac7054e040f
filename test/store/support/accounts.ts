/** Which token ids belong to an account. */
import type { Test } from 'tap'
import type { AccountDevice, DeviceNote, Store } from '../../../store/contract.ts'
import { accountMark } from '../../../topics/index.ts'
import { APP, DAY, HOUR, type MakeEngine, scenario, type World } from './world.ts'

const KEY = Buffer.alloc(32, 7)
const ANNA = accountMark(KEY, APP, 'anna')
const BERT = accountMark(KEY, APP, 'bert')

export async function accounts(t: Test, makeEngine: MakeEngine): Promise<void> {
  await noting(t, makeEngine)
  await ending(t, makeEngine)
  await forgetting(t, makeEngine)
}

function note(world: World, device: string, more: Partial<DeviceNote> = {}, store: Store = world.store) {
  const tokenId = world.idOf({ device })
  return store.noteDevice({ accountMark: ANNA, tokenId, epochs: [0, 0], expiresAt: world.now + DAY, most: 3, ...more })
}

async function devicesOf(world: World, mark = ANNA): Promise<readonly AccountDevice[]> {
  return (await world.store.accountDevices(mark)).toSorted((one, other) => one.stamp - other.stamp)
}

/** In the order of their stamps. */
async function idsOf(world: World, mark = ANNA): Promise<string[]> {
  return (await devicesOf(world, mark)).map(({ tokenId }) => tokenId)
}

async function noting(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'an account has the devices that were noted', async (t, world) => {
    t.same(await idsOf(world), [])
    for (const device of ['a', 'b', 'c']) t.equal(await note(world, device, { epochs: [1, 2] }), true)
    t.equal(await note(world, 'b', { accountMark: BERT }), true)
    const ids = ['a', 'b', 'c'].map((device) => world.idOf({ device }))
    t.same(await idsOf(world), ids)
    t.same(await idsOf(world, BERT), [ids[1]])
    const before = await devicesOf(world)
    t.equal(await note(world, 'd'), false, 'there are as many as may be')
    t.same(await devicesOf(world), before)
    t.equal(await note(world, 'd', { most: 4 }), true)
    t.equal(await note(world, 'a', { epochs: [0, 5] }), true, 'one that is there is always noted')
    await world.reopen()
    const after = await devicesOf(world)
    t.equal(after.length, 4)
    t.match(after.at(-1), { tokenId: ids[0], epochs: [1, 5] }, 'epochs only grow')
    t.ok((after.at(-1)?.stamp ?? 0) > Math.max(...before.map(({ stamp }) => stamp)), 'and so do stamps')
    for (const wrong of ['', 'anna']) {
      await t.rejects(note(world, 'a', { accountMark: wrong }), TypeError)
      await t.rejects(world.store.accountDevices(wrong), TypeError)
      await t.rejects(world.store.forgetDevices(wrong, []), TypeError)
    }
  })

  await scenario(
    t,
    makeEngine,
    'of many devices that come at one time, as many are noted as may be',
    async (t, world) => {
      const other = await world.otherNode()
      const noted = await Promise.all(
        Array.from({ length: 40 }, (_, at) => note(world, `${at}`, { most: 25 }, at % 2 === 0 ? world.store : other)),
      )
      t.equal(noted.filter((each) => each).length, 25)
      const devices = await devicesOf(world)
      t.equal(devices.length, 25)
      t.equal(new Set(devices.map(({ stamp }) => stamp)).size, 25)
      for (const [at, isNoted] of noted.entries())
        t.equal(
          devices.some(({ tokenId }) => tokenId === world.idOf({ device: `${at}` })),
          isNoted,
        )
    },
  )

  await scenario(t, makeEngine, 'an account may have thousands of devices', async (t, world) => {
    const devices = Array.from({ length: 2_000 }, (_, at) => `${at}`)
    await Promise.all(devices.map((device) => note(world, device, { most: 10_000 })))
    const all = await devicesOf(world)
    t.equal(all.length, 2_000)
    t.equal(await note(world, 'one more', { most: 2_000 }), false)
    await world.store.forgetDevices(ANNA, all)
    t.same(await idsOf(world), [])
  })
}

async function ending(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(
    t,
    makeEngine,
    'a note ends as the hold of its token id does',
    async (t, world) => {
      await note(world, 'soon', { expiresAt: world.now + HOUR })
      await note(world, 'later')
      await note(world, 'renewed', { expiresAt: world.now + HOUR })
      await note(world, 'renewed')
      await note(world, 'renewed', { expiresAt: world.now + HOUR })
      const [soon, later, renewed] = ['soon', 'later', 'renewed'].map((device) => world.idOf({ device }))
      world.pass(3 * HOUR - 1)
      t.same(await idsOf(world), [soon, later, renewed])
      t.equal(await note(world, 'more'), false)
      world.pass(1)
      t.same(await idsOf(world), [later, renewed])
      t.equal(await note(world, 'more', { expiresAt: world.now + HOUR }), true, 'there is room')
      await world.store.sweep()
      world.pass(3 * HOUR)
      await world.store.sweep()
      t.same(await idsOf(world), [later, renewed])
      await world.reopen()
      world.pass(DAY)
      t.same(await idsOf(world), [])
      await world.store.sweep()
      await note(world, 'soon')
      t.same(await idsOf(world), [soon])
    },
    { deviceHoldMs: 2 * HOUR },
  )
}

async function forgetting(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'what was noted since stays when a device is forgotten', async (t, world) => {
    await note(world, 'a')
    await note(world, 'b')
    const [a, b] = await devicesOf(world)
    if (a === undefined || b === undefined) throw new Error('there are two')
    await note(world, 'a')
    await world.store.forgetDevices(ANNA, [a, b, { ...b, tokenId: world.idOf({ device: 'c' }) }])
    t.same(await idsOf(world), [a.tokenId])
    await world.store.forgetDevices(ANNA, [a, b])
    await world.store.forgetDevices(BERT, [a])
    await world.store.forgetDevices(ANNA, [])
    t.same(await idsOf(world), [a.tokenId])
    t.equal(await note(world, 'c'), true)
  })

  await scenario(t, makeEngine, 'no stamp comes again', async (t, world) => {
    const stamps: number[] = []
    const last = async () => (await devicesOf(world)).at(-1)
    for (let round = 0; round < 5; round += 1) {
      const before = await last()
      await Promise.all([
        note(world, 'a'),
        world.store.accountDevices(ANNA),
        ...(before === undefined ? [] : [world.store.forgetDevices(ANNA, [before])]),
        note(world, 'a'),
      ])
      const device = await last()
      stamps.push(device?.stamp ?? 0)
      if (device !== undefined) await world.store.forgetDevices(ANNA, [device])
      t.same(await idsOf(world), [])
      if (round % 2 === 0) await world.reopen()
      if (round === 3) world.pass(100 * DAY)
      await world.store.sweep()
    }
    t.ok(
      stamps.every((stamp, at) => stamp > (stamps[at - 1] ?? 0)),
      stamps.join(' '),
    )
  })
}
