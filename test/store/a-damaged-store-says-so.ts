// Does a damaged database fail the calls that meet the damage, and neither hang nor fail the others?
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { t } from '../support/tap.ts'
import { openLevelStore } from '../../store/index.ts'
import { entryKey, metaKey, privateLogPrefix, tokenKey } from '../../store/level/keys.ts'
import { temporaryFolder } from '../support/folders.ts'
import { message, openLevel, OTHER, register, texts, TOKEN } from './support/level.ts'

const unavailable = { code: 'STORE_UNAVAILABLE' }

async function write(directory: string, key: Buffer, value: Buffer): Promise<void> {
  const level = new ClassicLevel<Buffer, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  await level.put(key, value)
  await level.close()
}

await t.test('a record that cannot be read', async (t) => {
  const { store, directory } = await openLevel(t)
  await register(store)
  await register(store, OTHER)
  await store.close()
  await write(directory, tokenKey(TOKEN), Buffer.from([1, 200, 200]))
  await store.open()
  await t.rejects(store.lookupToken(TOKEN), unavailable)
  const [damaged, sound] = await Promise.allSettled([
    store.append({ tokenId: TOKEN, message: message(), dedupe: false }),
    store.append({ tokenId: OTHER, message: message(), dedupe: false }),
  ])
  t.match(damaged, { status: 'rejected', reason: unavailable })
  t.equal(sound.status, 'fulfilled')
})

await t.test('a call that meets damage half way is undone, and those with it are not', async (t) => {
  const { store, directory } = await openLevel(t, { limits: { privateMessages: 2 } })
  for (const tokenId of [TOKEN, OTHER]) {
    await register(store, tokenId)
    for (const payload of ['1', '2']) {
      await store.append({ tokenId, message: message({ payload }), dedupe: false })
    }
  }
  await store.close()
  await write(directory, entryKey(privateLogPrefix(TOKEN), 2), Buffer.from([0]))
  await store.open()
  const add = (tokenId: string, payload: string) =>
    store.append({ tokenId, message: message({ payload }), dedupe: false })
  // The first makes room for one, the second meets the damaged entry when it makes room too.
  const results = await Promise.allSettled([add(OTHER, '3'), add(TOKEN, '3'), add(TOKEN, '4'), add(OTHER, '4')])
  t.same(
    results.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  )
  t.same(await texts(store, OTHER), ['3', '4'])
  await t.rejects(texts(store), unavailable)
})

await t.test('files that are no database', async (t) => {
  const directory = join(temporaryFolder(t, 'level'), 'store')
  mkdirSync(directory)
  writeFileSync(join(directory, 'CURRENT'), 'garbage')
  await t.rejects(openLevelStore({ directory }).open(), { ...unavailable, detail: /cannot be opened/ })
  const file = join(temporaryFolder(t, 'level'), 'file')
  writeFileSync(file, '')
  await t.rejects(openLevelStore({ directory: file }).open(), { ...unavailable, detail: /cannot be opened/ })
})

await t.test('a database of another version', async (t) => {
  const { store, directory } = await openLevel(t)
  await store.close()
  await write(directory, metaKey('format'), Buffer.from([99]))
  await t.rejects(store.open(), { ...unavailable, detail: /another version/ })
  await t.rejects(store.health(), unavailable)
})
