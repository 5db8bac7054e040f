// Does who opens a data directory that is in use get an error that says so, and the first one go on?
import { statSync } from 'node:fs'
import { t } from '../support/tap.ts'
import { openLevelStore } from '../../store/index.ts'
import { openLevel, register, TOKEN } from './support/level.ts'

await t.test('a directory that is in use', async (t) => {
  const { store, directory } = await openLevel(t)
  const second = openLevelStore({ directory })
  await t.rejects(second.open(), { code: 'STORE_UNAVAILABLE', detail: /in use by another process/ })
  await t.rejects(second.health(), { code: 'STORE_UNAVAILABLE' })
  await t.rejects(register(second), { code: 'STORE_UNAVAILABLE' })
  await register(store)

  await store.close()
  await second.open()
  t.match(await second.lookupToken(TOKEN), { app: 'weather' }, 'when it is free, the second can have it')
  await second.close()

  t.equal(statSync(directory).mode & 0o777, 0o700, 'secrets are in it')
})
