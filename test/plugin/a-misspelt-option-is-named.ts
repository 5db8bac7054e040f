// Is an option that createPush or aedesOptions does not know refused by its name, before anything is opened?
import { readdirSync } from 'node:fs'
import t from 'tap'
import { createPush, type PushOptions } from '../../index.ts'
import { temporaryFolder } from '../support/index.ts'
import { PROVIDER_KEY } from './support/embed.ts'

const dataDir = temporaryFolder(t, 'options')
const good: PushOptions = { dataDir, providers: [{ name: 'backend', key: PROVIDER_KEY }] }

for (const [what, options, says] of [
  ['an option', { ...good, keyFile: 'keys.json' }, /createPush: "keyFile" is not known here; allowed are .*keysFile/],
  ['a limit', { ...good, limits: { connectsPertoken: 1 } }, /limits: "connectsPertoken" is not known/],
  [
    'a limit without a number',
    { ...good, limits: { connectsPerToken: undefined } },
    /connectsPerToken must be a number/,
  ],
  ['a limit that is no number', { ...good, limits: { window: Number.NaN } }, /window must be a number/],
  ['a life', { ...good, tokenTtl: { default: 1, max: 2 } }, /tokenTtl: "max" is not known here; .*maximum/],
  ['half a life', { ...good, tokenTtl: { default: 1 } }, /tokenTtl: maximum must be a number/],
] as const) {
  await t.test(what, async (t) => {
    await t.rejects(createPush(options as never), says)
    t.same(readdirSync(dataDir), [])
  })
}

await t.test('an option of Aedes', async (t) => {
  const push = await createPush(good)
  t.teardown(() => push.close())
  const misspelt = { authenticate: () => undefined, authorisePublish: () => undefined }
  t.throws(() => push.aedesOptions(misspelt as never), /aedesOptions: "authorisePublish" is not known/)
})
