// Is what a commit passes without an acknowledgement still named when the commit fails and is tried again?
import { t } from '../support/tap.ts'
import { PushError } from '../../errors.ts'
import type { Commit } from '../../store/contract.ts'
import { connectDevice, eventually } from '../support/index.ts'
import { eachEngine, forwarding, issue, openKeys, startNode, stateOf, toDevice } from './support/node.ts'

await eachEngine(t, async (t, open) => {
  const auth = await openKeys(t)
  const store = await open()
  let isAway = true
  const refused: Commit[] = []
  const commit = async (commits: readonly Commit[]) => {
    if (!isAway) return await store.commit(commits)
    refused.push(...commits)
    throw new PushError('STORE_UNAVAILABLE')
  }
  const node = await startNode(
    t,
    auth,
    forwarding(store, (name) => (name === 'commit' ? commit : undefined)),
  )
  const issued = await issue(auth, store, 'phone')
  const device = await connectDevice(t, node, issued)
  await device.subscribe(issued.topics.private, { qos: 0 })
  await toDevice(store, issued, 'one')
  await device.next()
  await eventually('a commit that failed', () => refused.length > 0)
  await toDevice(store, issued, 'two')
  await device.next()
  const failed = refused.length
  await eventually('another', () => refused.length > failed)
  isAway = false
  for (const id of ['one', 'two'])
    await eventually(`${id} is sent`, async () => (await stateOf(store, issued, id)) === 'sent')
  t.match(
    refused.at(-1)?.passedAs?.map(([, as]) => as),
    ['sent', 'sent'],
  )
})
