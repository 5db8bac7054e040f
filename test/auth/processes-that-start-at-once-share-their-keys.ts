// When several processes start at once on one data directory, do they end up with the same keys?
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { t } from '../support/tap.ts'
import { fileSecrets, openAuth, type IssuedToken } from '../../auth/index.ts'

const PROCESSES = 3
const STARTS = 25

const root = await mkdtemp(join(tmpdir(), 'auth-'))
const racer = fileURLToPath(new URL('support/secret-racer.js', import.meta.url))
const processes = Array.from({ length: PROCESSES }, () => {
  const child = fork(racer)
  return { child, end: once(child, 'exit') }
})
t.teardown(async () => {
  for (const { child } of processes) child.kill()
  await rm(root, { recursive: true })
})

/** The next message of a process; an error when it ends instead. */
async function answer({ child, end }: (typeof processes)[number], directory?: string): Promise<IssuedToken> {
  const message = once(child, 'message') as Promise<[IssuedToken]>
  if (directory !== undefined) child.send(directory)
  const ended = end.then(() => {
    throw new Error('the process ended')
  })
  const [issued] = await Promise.race([message, ended])
  return issued
}

await t.test(`${STARTS} starts of ${PROCESSES} processes`, async (t) => {
  await Promise.all(processes.map((each) => answer(each)))
  for (let start = 0; start < STARTS; start++) {
    const directory = join(root, `data-${start}`, 'keys')
    const issued = await Promise.all(processes.map((each) => answer(each, directory)))
    const auth = await openAuth({ secrets: fileSecrets(directory), providers: [] })
    const ids = issued.map(({ token }) => auth.verify(token).tokenId)
    t.equal(new Set([...ids, ...issued.map(({ tokenId }) => tokenId)]).size, 1, `start ${start}`)
    t.same((await readdir(directory)).toSorted(), ['signing-key-HS256.json', 'token-id.key'], 'and no drafts are left')
  }
})
