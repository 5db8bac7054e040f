// When the machine crashes and the newest file of the disk ends anywhere, is what is left of whole calls only?
import { cpSync, readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { temporaryFolder } from '../support/folders.ts'
import { message, openLevel, register, TOKEN } from './support/level.ts'

const TEARS = 12
const EVERYTHING = { entries: 10_000, bytes: Infinity }

await t.test('a torn tail', async (t) => {
  const { store, directory } = await openLevel(t, { limits: { privateBytes: 5_000 } })
  const { generation } = await register(store)
  for (let round = 0; round < 20; round += 1) {
    await Promise.all(
      Array.from({ length: 10 }, (_, number) =>
        store.append({
          tokenId: TOKEN,
          message: message({ id: `${round} ${number}`, payload: 'x'.repeat(100), ttl: 1_000_000 - round }),
          dedupe: true,
        }),
      ),
    )
    const { epoch } = await store.openSession({ tokenId: TOKEN, app: 'weather', generation, cleanStart: false })
    await store.commit([{ tokenId: TOKEN, epoch, private: round * 10 + 3 }])
  }
  await store.close()

  const log = readdirSync(directory).find((name) => name.endsWith('.log'))!
  const { size } = statSync(join(directory, log))
  let longest = 0
  for (let tear = 0; tear <= TEARS; tear += 1) {
    const copy = temporaryFolder(t, 'torn')
    cpSync(directory, copy, { recursive: true })
    truncateSync(join(copy, log), Math.floor((size * tear) / TEARS))
    const { store } = await openLevel(t, { directory: copy })
    const record = await store.lookupToken(TOKEN)
    const { entries, end } = await store.readPrivate(TOKEN, 0, EVERYTHING)
    const from = entries[0]?.offset ?? end + 1
    const whole = entries.every(({ offset }, position) => offset === from + position)
    if (!whole || (entries.at(-1)?.offset ?? end) !== end) t.fail('a log with a hole')
    if (record !== undefined && record.cursors.private > end) t.fail('a cursor beyond its log')
    t.ok(end >= longest, `${end} of 200 messages are there`)
    longest = end
    if (record === undefined) await register(store)
    const { offset } = await store.append({ tokenId: TOKEN, message: message({ id: 'new' }), dedupe: true })
    t.equal(offset, end + 1)
    await store.close()
  }
  t.equal(longest, 200)
})
