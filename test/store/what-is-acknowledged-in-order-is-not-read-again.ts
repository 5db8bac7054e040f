// Does the embedded engine look up on disk what it wrote a moment ago? A count that fails when reads come back.
import { ClassicLevel } from 'classic-level'
import { t } from '../support/tap.ts'
import { message, openLevel, OTHER, register, TOKEN } from './support/level.ts'

const MESSAGES = 50

await t.test('appended, and acknowledged a few at a time', async (t) => {
  const { store } = await openLevel(t)
  await register(store)
  await register(store, OTHER)
  const original = ClassicLevel.prototype.getSync
  let reads = 0
  t.intercept(ClassicLevel.prototype, 'getSync', {
    configurable: true,
    writable: true,
    value(this: ClassicLevel, ...args: Parameters<typeof original>) {
      reads += 1
      return original.apply(this, args)
    },
  })
  const append = (tokenId: string, number: number) =>
    store.append({ tokenId, message: message({ id: String(number) }), dedupe: false })
  for (let number = 0; number < MESSAGES; number++) {
    await Promise.all([append(TOKEN, number), append(OTHER, number)])
    await store.commit([
      { tokenId: TOKEN, private: number - 5 },
      { tokenId: OTHER, private: number - 1 },
    ])
  }
  t.equal(reads, 0)
  t.equal((await store.readPrivate(TOKEN, 0, { entries: 100, bytes: Infinity })).entries.length, 6)
})
