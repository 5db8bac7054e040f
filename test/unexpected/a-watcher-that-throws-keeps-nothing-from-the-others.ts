// When one watcher of a store throws, do the others hear all the same, and does somebody learn of it?
import { t } from '../support/tap.ts'
import type { Watcher } from '../../store/contract.ts'
import { tellAll } from '../../store/watching.ts'

await t.test('one of two', async (t) => {
  const heard: string[] = []
  const failures: unknown[] = []
  const watcher = (resync: () => void): Watcher => ({
    privateAppended: () => undefined,
    broadcastAppended: () => undefined,
    sessionEnded: () => undefined,
    cursorMoved: () => undefined,
    cursorsLost: () => undefined,
    resync,
  })
  const bad = watcher(() => {
    throw new Error('a fault')
  })
  const good = watcher(() => void heard.push('resync'))
  const observer = {
    expired: () => undefined,
    dropped: () => undefined,
    watcherFailed: (error: unknown) => void failures.push(error),
  }
  const told = (each: Watcher) => each.resync()
  tellAll([bad, good], [told, told], observer)
  t.same(heard, ['resync', 'resync'])
  t.match(failures, [{ message: 'a fault' }, { message: 'a fault' }])
})
