// Does one process have a lease, and another one when it is released, lost or not renewed, whatever the store does meanwhile?
import type { NodeChannel } from '../../store/contract.ts'
import { StoreLease } from '../../store/index.ts'
import type { TableStore } from '../../store/tables.ts'
import { t } from '../support/tap.ts'
import { openLevel } from './support/level.ts'

const LASTS_MS = 400
const never = new AbortController().signal
// Its timers keep no process alive.
const alive = setInterval(() => undefined, 1_000)
t.teardown(() => clearInterval(alive))

/** Two processes on one store, which fails where it is told to. */
async function processes(t: Parameters<typeof openLevel>[0]) {
  const { store } = await openLevel(t)
  const failing = { isAway: false }
  const tables: Pick<TableStore, 'readRow' | 'writeRow'> & { readonly nodes?: NodeChannel } = {
    readRow: async (table, key) => await store.readRow(table, key),
    writeRow: async (write) => await store.writeRow(write),
    nodes: { tell: async () => undefined } as unknown as NodeChannel,
  }
  const reached: typeof tables = {
    ...tables,
    readRow: async (...given) => (failing.isAway ? Promise.reject(new Error('away')) : await tables.readRow(...given)),
    writeRow: async (write) => (failing.isAway ? Promise.reject(new Error('away')) : await tables.writeRow(write)),
  }
  const lease = (holder: string, store: typeof tables) =>
    new StoreLease({ store, name: 'one', holder, monotonic: () => performance.now(), lastsMs: LASTS_MS })
  return { first: lease('first', reached), second: lease('second', tables), failing, tables, lease }
}

await t.test('released', async (t) => {
  const { first, second } = await processes(t)
  const held = await first.hold(never)
  const other = second.hold(never)
  await first.release()
  t.ok(held.aborted)
  t.notOk((await other).aborted)
  await second.release()
})

await t.test('renewed for as long as it is held', async (t) => {
  const { first, second } = await processes(t)
  const held = await first.hold(never)
  const stop = AbortSignal.timeout(4 * LASTS_MS)
  await t.rejects(second.hold(stop), 'nobody else has it')
  t.notOk(held.aborted)
  await first.release()
})

await t.test('given up before another one takes it', async (t) => {
  const { first, second, failing } = await processes(t)
  const held = await first.hold(never)
  failing.isAway = true
  const other = await second.hold(never)
  t.ok(held.aborted, 'who does not reach the store has let go of it')
  failing.isAway = false
  await second.release()
  t.notOk((await first.hold(never)).aborted, 'and may have it again')
  t.notOk(other === held)
  await first.release()
})

await t.test('given up while the store does not answer', async (t) => {
  const { lease, tables, second } = await processes(t)
  const hung = { isHung: false }
  const hanging = lease('first', {
    ...tables,
    writeRow: async (write) => (hung.isHung ? await new Promise<never>(() => undefined) : await tables.writeRow(write)),
  })
  const held = await hanging.hold(never)
  hung.isHung = true
  await second.hold(never)
  t.ok(held.aborted)
  await second.release()
})

await t.test('whoever does not want it any more as it comes leaves it', async (t) => {
  const { lease, tables, second } = await processes(t)
  const stop = new AbortController()
  const late = lease('first', {
    ...tables,
    async writeRow(write) {
      const version = await tables.writeRow(write)
      stop.abort()
      return version
    },
  })
  await t.rejects(late.hold(stop.signal))
  t.equal(await tables.readRow('leases', 'one'), undefined, 'nobody waits until it runs out')
  await second.hold(never)
  await second.release()
})

await t.test('an embedded store is one process alone', async (t) => {
  const { store } = await openLevel(t)
  const lease = new StoreLease({ store, name: 'one', holder: 'a', monotonic: () => performance.now() })
  const held = await lease.hold(never)
  await lease.release()
  t.ok(held.aborted)
})
