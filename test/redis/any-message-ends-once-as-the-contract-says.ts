// Whatever happens to the messages of a private log: does the Redis engine tell of each what a plain model tells?
import { t } from '../support/tap.ts'
import { anyFollowing } from '../store/support/any-follow.ts'
import { engineOn, onServerAndCluster } from './support/engine.ts'

await onServerAndCluster(t, async (t, url) => {
  await anyFollowing(
    engineOn(url, async () => undefined),
    { numRuns: 30 },
  )
  t.pass('the store answered as the model did')
})
