// The wall clock of a node jumps forward by an hour, and back: does its copy of a table have the rows again that had not ended?
import { t } from '../support/tap.ts'
import { Revocations } from '../../store/revocations.ts'
import { TableCopy } from '../../store/table-copy.ts'
import { openLevelStore } from '../../store/index.ts'
import { temporaryFolder } from '../support/index.ts'

const HOUR = 3_600_000

await t.test('an hour forward, and back', async (t) => {
  const store = openLevelStore({ directory: temporaryFolder(t, 'data') })
  await store.open()
  t.teardown(() => store.close())
  let ahead = 0
  const now = () => Date.now() + ahead
  const failed = (error: unknown) => t.fail(String(error))
  const decode = (_key: string, value: Uint8Array) => String(value)
  const options = { store, now, monotonic: () => performance.now(), failed }
  const copy = new TableCopy({ ...options, table: 'names', decode })
  await copy.open()
  t.teardown(() => copy.close())
  const revocations = new Revocations({ ...options, keepMs: HOUR / 2, most: 10 })
  await revocations.open()
  t.teardown(() => revocations.close())
  const write = (key: string, expiresAt = Infinity) =>
    store.writeRow({ table: 'names', key, value: Buffer.from(key), expiresAt })
  await write('stays')
  await write('ends in half an hour', Date.now() + HOUR / 2)
  await revocations.revoke('chat')
  const device = { app: 'chat', accountMark: '', epochs: [0, 0] } as const
  await copy.refresh()
  t.equal([...copy.entries()].length, 2)
  ahead = HOUR
  await Promise.all([copy.refresh(), revocations.refresh()])
  t.same(
    [...copy.entries()].map(([key]) => key),
    ['stays'],
  )
  ahead = 0
  await Promise.all([copy.refresh(), revocations.refresh()])
  t.equal(copy.get('ends in half an hour'), 'ends in half an hour')
  t.ok(revocations.isRevoked(device), 'what was revoked is revoked')
})
