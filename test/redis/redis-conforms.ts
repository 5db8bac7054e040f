// Does the Redis engine do what the store contract says, with one server?
import { t } from '../support/tap.ts'
import { conformance } from '../store/conformance.ts'
import { startRedis } from '../support/index.ts'
import { engineOn } from './support/engine.ts'

const redis = await startRedis(t)

await conformance(
  t,
  engineOn(redis.url, () => redis.restart()),
)
