// Does a session that a clean start discards leave its shared subscriptions at once, and only what was there before it?
import { t } from '../support/tap.ts'
import { GroupMembers } from '../../broker/session/group-members.ts'
import { openLevel } from '../store/support/level.ts'
import { join, publish } from './support/people.ts'
import { type General, serve } from './support/serve.ts'

const HEARD = 0
const NOBODY = 0x10

async function reasonOf(server: General, topic: string): Promise<number | undefined> {
  const { raw } = await join(t, server, 'publisher', { expiry: 0, clean: true })
  publish(raw, topic, 'one', 1)
  const { reasonCode } = await raw.next('puback')
  await raw.end()
  return reasonCode
}

await t.test('a clean start', async (t) => {
  const server = await serve(t)
  const first = await join(t, server, 'member')
  await first.raw.subscribe(['$share/group/a', '$share/group/b'], 1)
  await first.raw.end()
  t.equal(await reasonOf(server, 'a'), HEARD, 'it waits for a member that is away')

  const anew = await join(t, server, 'member', { clean: true })
  t.equal(anew.present, false)
  t.equal(await reasonOf(server, 'a'), NOBODY, 'nobody comes back to it')
  await anew.raw.subscribe('$share/group/b', 1)
  t.equal(await reasonOf(server, 'a'), NOBODY)
  t.equal(await reasonOf(server, 'b'), HEARD, 'what it subscribes to anew it has')
})

await t.test('a connection that leaves late takes none of a newer one along', async (t) => {
  const { store } = await openLevel(t)
  const now = Date.now()
  const end = now + 60_000
  const members = new GroupMembers(store)
  await members.join('g', { name: 'one', epoch: 1 }, end, now)
  await members.join('g', { name: 'one', epoch: 2 }, end, now)
  let ends = 0
  const leave = (epoch: number) => members.leave('g', { name: 'one', epoch }, now, async () => void (ends += 1))
  await leave(1)
  t.equal(ends, 0)
  await leave(2)
  t.equal(ends, 1)
})
