// When the process is killed under load, is everything there that a promise had resolved for, and no offset given twice?
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { t } from '../support/tap.ts'
import { temporaryFolder } from '../support/folders.ts'
import type { Answer } from './support/appender.ts'
import { openLevel, TOKEN } from './support/level.ts'

const APPENDER = fileURLToPath(new URL('support/appender.js', import.meta.url))
/** Answers after which a life ends: each at another moment of the writing. */
const ANSWERS = [1, 700, 2_500]

/** Everything that was answered before it was killed. */
async function live(directory: string, life: number): Promise<Answer[]> {
  const child: ChildProcess = fork(APPENDER, [directory, String(life)], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const exited = once(child, 'exit')
  const answers: Answer[] = []
  for await (const line of createInterface({ input: child.stdout! })) {
    if (!line.endsWith('}')) continue
    answers.push(JSON.parse(line) as Answer)
    if (answers.length === ANSWERS[life]) child.kill('SIGKILL')
  }
  await exited
  return answers
}

await t.test('three lives', async (t) => {
  const directory = temporaryFolder(t, 'level')
  const answers: Answer[] = []
  for (let life = 0; life < ANSWERS.length; life += 1) answers.push(...(await live(directory, life)))
  const { store } = await openLevel(t, { directory })
  const everything = { entries: 1_000_000, bytes: Infinity }

  const epochs = answers.flatMap((answer) => (answer.what === 'open' ? [answer.epoch] : []))
  t.equal(new Set(epochs).size, ANSWERS.length)
  const session = await store.openSession({ tokenId: TOKEN, app: 'weather', generation: 1, cleanStart: false })
  t.ok(session.epoch > Math.max(...epochs))

  const broadcasts = await store.readBroadcast('weather', 0, everything)
  const ids = new Map(broadcasts.entries.map(({ id, offset }) => [id, offset]))
  t.equal(ids.size, broadcasts.entries.length, 'no broadcast twice')
  const told = answers.filter((answer) => answer.what === 'broadcast')
  t.ok(told.every(({ id, offset }) => ids.get(id) === offset))

  const upstream = answers.filter((answer) => answer.what === 'upstream')
  const passed = Math.max(0, ...answers.flatMap((answer) => (answer.what === 'moved' ? [answer.offset] : [])))
  const [reader] = await store.openReader({ app: 'weather', reader: 'reader', expiresAt: Infinity })
  t.ok((reader?.cursor ?? 0) >= passed, 'a reader is where it was')
  const unread = (await store.readUpstream('weather', 0, 0, everything)).entries
  const unreadIds = new Map(unread.map(({ id, offset }) => [offset, id]))
  t.same(
    upstream.filter(({ id, offset }) => offset > (reader?.cursor ?? 0) && unreadIds.get(offset) !== id),
    [],
    'nothing that a device published is lost',
  )
  t.equal(new Set(upstream.map(({ offset }) => offset)).size, upstream.length)
  t.equal(unread.length, (reader?.end ?? 0) - (reader?.cursor ?? 0), 'and there is no hole')

  for (const tokenId of new Set(answers.flatMap((answer) => ('tokenId' in answer ? [answer.tokenId] : [])))) {
    const own = answers.filter((answer) => 'tokenId' in answer && answer.tokenId === tokenId)
    const appended = own.filter((answer) => answer.what === 'private')
    const acknowledged = Math.max(0, ...own.flatMap((answer) => (answer.what === 'commit' ? [answer.offset] : [])))
    const { cursors } = (await store.lookupToken(tokenId))!
    const { entries, end } = await store.readPrivate(tokenId, 0, everything)
    const offsets = appended.map(({ offset }) => offset)
    if (new Set(offsets).size !== offsets.length) t.fail('an offset was given twice')
    if (cursors.private < acknowledged) t.fail('an acknowledgement was lost, though the machine did not crash')
    if (offsets.some((offset) => offset > end)) t.fail('the log ends before what was answered')
    const stored = new Map(entries.map((entry) => [entry.offset, Buffer.from(entry.payload).toString()]))
    const lost = appended.filter(
      ({ id, offset }) => offset > cursors.private && stored.get(offset) !== `${tokenId} ${id}`,
    )
    t.same(lost, [], 'nothing that was answered is lost or another')
    t.equal(stored.size, end - cursors.private, 'and there is no hole')
  }
})
