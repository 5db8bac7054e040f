// Whatever happens to the messages of a private log: does the embedded engine tell of each what a plain model tells?
import { t } from '../support/tap.ts'
import { anyFollowing } from './support/any-follow.ts'
import { levelEngine } from './support/level-engine.ts'

await t.test('any sequence of calls', async (t) => {
  await anyFollowing(levelEngine, { numRuns: 60 })
  t.pass('the store answered as the model did')
})
