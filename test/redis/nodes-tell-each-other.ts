// Does a node hear what another tells it, in the order in which it was told, and nothing that is for somebody else?
import { t } from '../support/tap.ts'
import type { Store } from '../../store/contract.ts'
import { eventually } from '../support/index.ts'
import { onServerAndCluster, redisStore } from './support/engine.ts'

const nothing = (): void => undefined

function heardBy(store: Store): string[] {
  const heard: string[] = []
  store.watch({
    privateAppended: nothing,
    broadcastAppended: nothing,
    sessionEnded: nothing,
    cursorMoved: nothing,
    cursorsLost: nothing,
    resync: nothing,
    told: (bytes) => heard.push(Buffer.from(bytes).toString()),
  })
  return heard
}

await onServerAndCluster(t, async (t, url) => {
  const [one, two, three] = [
    await redisStore(t, { url }),
    await redisStore(t, { url }),
    await redisStore(t, { url, prefix: 'other' }),
  ]
  const heard = [heardBy(one), heardBy(two), heardBy(three)]
  const names = [one, two, three].map(({ nodes }) => nodes?.name ?? '')
  const texts = Array.from({ length: 1_000 }, (_, at) => `${at} ${'x'.repeat(at % 300)}`)
  const tell = async (from: Store, nodes: readonly string[], text: string): Promise<void> =>
    await from.nodes?.tell(nodes, Buffer.from(text))
  t.same(
    await Promise.all([one, three].map(async (store) => await store.nodes?.count())),
    [2, 1],
    'who shares the store',
  )
  await Promise.all(texts.map((text, at) => tell(one, names.slice(1, 2 + (at % 2)), text)))
  await tell(two, names, 'last')
  await eventually('all of it', () => heard[0]?.length === 1 && heard[1]?.length === texts.length + 1)
  // What two nodes tell comes by two ways in a Cluster: each keeps its order, and neither waits for the other.
  const [first, second = [], other] = heard
  t.same([first, second.filter((text) => text !== 'last'), other], [['last'], texts, []])
})
