// When the disk refuses a write, is torn in one, or fills, is each call on sessions by name, their logs and subscriptions whole or not at all?
import { cpSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import type { SessionAppended, Store } from '../../store/index.ts'
import { temporaryFolder } from '../support/folders.ts'
import { eventually } from '../support/index.ts'
import { message, openLevel } from './support/level.ts'
import { everything, SCRIPT, START } from './support/session-script.ts'
import { fill, mountSmall, unmount } from './support/small-disk.ts'

const EVERYTHING = { entries: 10_000, bytes: Infinity }
const UNAVAILABLE = { code: 'STORE_UNAVAILABLE' }
const TEARS = 40
const now = (): number => START

/** What is there before the first call and after each of them. */
async function states(store: Store): Promise<readonly string[]> {
  const all = [await everything(store)]
  for (const call of SCRIPT) {
    await call(store)
    all.push(await everything(store))
  }
  return all
}

await t.test('each write fails once, and is done again', async (t) => {
  const wanted = await states((await openLevel(t, { now })).store)
  let failing = false
  const { store } = await openLevel(t, {
    now,
    beforeSync: async () => {
      if (failing) throw new Error('no space left on device')
    },
  })
  for (const [at, call] of SCRIPT.entries()) {
    failing = true
    // What need not be synced is written with what has to be.
    const refused = await Promise.allSettled([call(store), store.secret(`beside ${at}`, () => 'never kept')])
    failing = false
    if (refused[1].status !== 'rejected') t.fail('the write did not fail')
    if ((await everything(store)) !== wanted[at]) {
      t.equal(await everything(store), wanted[at], `call ${at} left something`)
      return
    }
    await call(store)
    if ((await everything(store)) !== wanted[at + 1]) {
      t.equal(await everything(store), wanted[at + 1], `call ${at}, done again`)
      return
    }
  }
  t.pass(`${SCRIPT.length} calls`)
})

await t.test('a torn tail is whole calls, and all goes on', async (t) => {
  const { store, directory } = await openLevel(t, { now })
  const wanted = await states(store)
  await store.close()
  const log = readdirSync(directory).find((name) => name.endsWith('.log'))!
  const { size } = statSync(join(directory, log))
  let before = 0
  const seen = new Set<number>()
  for (let tear = 0; tear <= TEARS; tear += 1) {
    const copy = temporaryFolder(t, 'torn')
    cpSync(directory, copy, { recursive: true })
    truncateSync(join(copy, log), Math.floor((size * tear) / TEARS))
    const { store } = await openLevel(t, { now, directory: copy })
    const found = await everything(store)
    // A call that changed nothing looks like the one before it.
    const at = wanted.findIndex((state, at) => at >= before && state === found)
    if (at < 0) t.equal(found, wanted[before], `torn at ${tear} of ${TEARS}`)
    else before = at
    seen.add(at)
    const { epoch } = await store.openNamedSession('one', true)
    t.same(await deliver(store, 'after', 'u1'), ['stored'])
    await store.changeSubscriptions({ name: 'one', epoch, replaces: false, filters: [['e', Buffer.alloc(0)]] })
    t.same(await idsOf(store), ['after'])
    await store.close()
    rmSync(copy, { recursive: true })
  }
  t.equal(wanted[before], wanted.at(-1), 'without a tear all is there')
  t.ok(seen.size > TEARS / 3, `it ended after ${seen.size} different calls`)
})

function deliver(store: Store, id: string, uid: string, size = 700): Promise<readonly SessionAppended[]> {
  const body = message({ id, payload: 'x'.repeat(size), now: START })
  return store.appendSessions({
    topic: 'a',
    message: body,
    to: [{ name: 'one', qos: 2, retain: false, identifiers: [] }],
    uid,
  })
}

async function idsOf(store: Store): Promise<string[]> {
  return (await store.readSession('one', 0, EVERYTHING)).entries.map(({ id }) => id)
}

const small = mountSmall(temporaryFolder(t, 'small'))

await t.test(
  'a disk that is full and freed',
  { skip: small === undefined && 'nothing can be mounted here' },
  async (t) => {
    const disk = small ?? ''
    t.teardown(() => unmount(disk))
    const { store } = await openLevel(t, { now, directory: join(disk, 'store') })
    const { epoch } = await store.openNamedSession('one', false)
    const ballast = join(disk, 'ballast')
    writeFileSync(ballast, Buffer.alloc(4 * 1024 * 1024))
    const ids: string[] = []
    const released = new Set<string>()
    const send = async (size: number): Promise<void> => {
      const id = `message ${ids.length}`
      ids.push(id)
      await deliver(store, id, id, size)
    }
    const release = async (): Promise<void> => {
      const { entries } = await store.readSession('one', 0, EVERYTHING)
      const next = entries.find((entry) => !entry.released)
      if (next === undefined) return
      const commit = { name: 'one', epoch, done: [], released: [next.offset] }
      if (await store.commitSession(commit)) released.add(next.id)
    }
    await t.rejects(async () => {
      for (let count = 0; ; count += 1) {
        await send(30_000 + count)
        await release()
      }
    }, UNAVAILABLE)
    fill(join(disk, 'rest'))
    for (let count = 0; count < 10; count += 1) await send(10).catch(() => undefined)
    rmSync(join(disk, 'rest'))
    rmSync(ballast)
    await eventually('a store that is healthy', () => store.health())

    // Who does not know what became of a message sends it again.
    for (const id of ids) t.match((await deliver(store, id, id, 10))[0], /stored|duplicate/)
    const { entries } = await store.readSession('one', 0, EVERYTHING)
    t.same(entries.map(({ id }) => id).sort(), [...ids].sort(), 'each is there once')
    const lost = entries.filter((entry) => released.has(entry.id) && !entry.released)
    t.same(lost, [], 'what was answered is released')
  },
)
