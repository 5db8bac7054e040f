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
    /connectsPerToken must be a whole number from 0 to 1000000, and is undefined/,
  ],
  [
    'a limit that is no number',
    { ...good, limits: { window: Number.NaN } },
    /window must be a whole number from 1 to 1000/,
  ],
  [
    'a limit below its minimum',
    { ...good, limits: { payloadBytes: -1 } },
    /payloadBytes must be .* 1 to .*, and is -1/,
  ],
  [
    'a limit above its maximum',
    { ...good, limits: { stallTimeoutMs: 3_600_001 } },
    /from 1000 to 3600000, and is 3600001/,
  ],
  [
    'limits that do not fit together',
    { ...good, limits: { payloadBytes: 2_000, maximumPacketSize: 2_000 } },
    /limits: payloadBytes is 2000, .* maximumPacketSize, which is 2000: .*1,024 bytes around it/,
  ],
  [
    'a limit that does not fit a default',
    { ...good, limits: { defaultTtl: 30_000_000 } },
    /limits: defaultTtl is 30000000, .* maximumTtl, which is 2419200/,
  ],
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
