// The disk refuses a write at any byte of it, or fills, and is freed: is all that was answered there, and does all go on by itself?
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { t } from '../support/tap.ts'
import type { Store } from '../../store/index.ts'
import { temporaryFolder } from '../support/folders.ts'
import { eventually } from '../support/index.ts'
import type { Answer } from './support/full-disk.ts'
import { message, openLevel, register, texts, TOKEN } from './support/level.ts'
import { fill, mountSmall, unmount } from './support/small-disk.ts'

const CHILD = fileURLToPath(new URL('support/full-disk.js', import.meta.url))
const APPENDS = 200
/** Of each file, KiB: a record that reaches beyond it is torn there. Node ignores the signal, so that writes fail. */
const FILE_LIMIT = 64
const UNAVAILABLE = { code: 'STORE_UNAVAILABLE' }

await t.test('files that cannot grow', { skip: process.platform === 'win32' }, async (t) => {
  const directory = temporaryFolder(t, 'limited')
  const command = `unset NODE_OPTIONS; ulimit -f ${FILE_LIMIT}; exec "$0" "$@"`
  // Without what tap loads into its own processes, which ends them at the signal.
  const child = spawn('bash', ['-c', command, process.execPath, CHILD, directory, String(APPENDS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const answers: Answer[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    answers.push(JSON.parse(line) as Answer)
    if (line.includes('done')) child.kill('SIGKILL')
  }
  t.match(await exited, [null, 'SIGKILL'], 'it lived until it was killed')
  const told = answers.flatMap((answer) => ('offset' in answer ? [answer] : []))
  const refused = answers.filter((answer) => 'refused' in answer)
  t.ok(refused.length >= 4, `${refused.length} appends met a torn record`)
  t.ok(told.length > APPENDS, `and ${told.length} were answered`)

  const { store } = await openLevel(t, { directory })
  for (const tokenId of new Set(told.map((each) => each.tokenId))) {
    const { entries } = await store.readPrivate(tokenId, 0, { entries: 10_000, bytes: Infinity })
    const stored = new Map(entries.map(({ id, offset }) => [id, offset]))
    const own = told.filter((each) => each.tokenId === tokenId)
    t.same(
      own.filter(({ id, offset }) => stored.get(id) !== offset),
      [],
      'nothing that was answered is lost',
    )
    t.equal(stored.size, entries.length, 'or twice')
  }
})

await t.test('a database that cannot be opened again for a while', async (t) => {
  let failing = false
  const { store, directory } = await openLevel(t, {
    beforeSync: async () => {
      if (failing) throw new Error('No space left on device')
    },
  })
  await register(store)
  const send = (payload: string) =>
    store.append({ tokenId: TOKEN, message: message({ id: payload, payload }), dedupe: true })
  await send('before')
  const [current, away] = [join(directory, 'CURRENT'), join(directory, 'CURRENT.away')]
  failing = true
  renameSync(current, away)
  await t.rejects(send('refused'), { ...UNAVAILABLE, message: /No space left on device/ })
  failing = false
  await t.rejects(send('refused'), UNAVAILABLE)
  await t.rejects(texts(store), UNAVAILABLE)
  await t.rejects(store.health(), UNAVAILABLE, 'and it is not ready')
  renameSync(away, current)
  await eventually('a store that is healthy', () => store.health())
  t.same(await texts(store), ['before'])
  await send('after')
  t.same(await texts(store), ['before', 'after'])

  failing = true
  await t.rejects(send('refused'), UNAVAILABLE)
  await t.rejects(store.health(), UNAVAILABLE, 'open again, but the disk has not taken a write since')
  failing = false
  await store.health()
})

const small = mountSmall(temporaryFolder(t, 'small'))

await t.test(
  'a disk that is full and freed',
  { skip: small === undefined && 'nothing can be mounted here' },
  async (t) => {
    const disk = small ?? ''
    t.teardown(() => unmount(disk))
    const { store, directory } = await openLevel(t, { directory: join(disk, 'store') })
    await register(store)
    const ballast = join(disk, 'ballast')
    writeFileSync(ballast, Buffer.alloc(4 * 1024 * 1024))
    const answered: string[] = []
    const refused = new Set<string>()
    const send = async (id: string, size: number) => {
      const payload = `${id} ${'x'.repeat(size)}`
      refused.add(payload)
      await store.append({ tokenId: TOKEN, message: message({ id, payload }), dedupe: true })
      refused.delete(payload)
      answered.push(payload)
    }
    // What was refused may be there all the same: written whole, before the disk failed.
    const answeredOf = async (each: Store) => (await texts(each)).filter((text) => !refused.has(text))
    await t.rejects(async () => {
      for (let count = 0; ; count += 1) await send(`filling ${count}`, 30_000 + count)
    }, UNAVAILABLE)
    fill(join(disk, 'rest'))
    for (let count = 0; count < 20; count += 1) await send(`full ${count}`, 10).catch(() => undefined)

    rmSync(join(disk, 'rest'))
    rmSync(ballast)
    await eventually('a store that is healthy', () => store.health())
    for (let count = 0; count < 20; count += 1) await send(`freed ${count}`, 1_000)
    t.same(await answeredOf(store), answered)
    // As a kill leaves it.
    const copy = temporaryFolder(t, 'killed')
    cpSync(directory, copy, { recursive: true })
    t.same(await answeredOf((await openLevel(t, { directory: copy })).store), answered)
  },
)
