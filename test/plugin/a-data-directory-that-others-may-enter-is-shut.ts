// In a data directory that existed, are the directories with messages and keys the user's alone, or refused?
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { createPush, type PushOptions } from '../../index.ts'
import { temporaryFolder } from '../support/index.ts'
import { PROVIDER_KEY } from './support/embed.ts'

const OURS = ['store', 'keys']
const open = (dataDir: string) => {
  const options: PushOptions = { dataDir, providers: [{ name: 'backend', key: PROVIDER_KEY }] }
  return createPush(options)
}

for (const [what, prepare] of Object.entries({
  'an empty one': () => undefined,
  'one whose directories everybody may enter': (dataDir: string) => {
    for (const name of OURS) mkdirSync(join(dataDir, name))
    for (const name of OURS) chmodSync(join(dataDir, name), 0o755)
  },
})) {
  await t.test(what, async (t) => {
    const dataDir = temporaryFolder(t, 'data')
    chmodSync(dataDir, 0o755)
    prepare(dataDir)
    await (await open(dataDir)).close()
    for (const name of OURS) t.equal(statSync(join(dataDir, name)).mode & 0o777, 0o700, name)
    t.equal(statSync(dataDir).mode & 0o777, 0o755, "the directory itself is the operator's")
  })
}

await t.test("one with another user's directories", { skip: process.getuid?.() !== 0 }, async (t) => {
  for (const name of OURS) {
    const dataDir = temporaryFolder(t, 'data')
    mkdirSync(join(dataDir, name))
    chownSync(join(dataDir, name), 12_345, 12_345)
    await t.rejects(open(dataDir), new RegExp(`${name}.*belongs to another user`))
  }
})
