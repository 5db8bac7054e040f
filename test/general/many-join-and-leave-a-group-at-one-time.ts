// Do clients that join a shared subscription at the same moment all belong to it, and is one that is gone by then no member?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { eventually } from '../support/index.ts'
import { join, type Person, publish } from './support/people.ts'
import { type General, serve } from './support/serve.ts'

const SHARED = '$share/group/a'

function subscribe({ raw }: Person): void {
  raw.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: SHARED, qos: 1 }] })
}

async function reasonOf(t: Test, server: General): Promise<number> {
  const { raw } = await join(t, server, 'publisher', { expiry: 0 })
  publish(raw, 'a', 'x', 1)
  const { reasonCode = 0 } = await raw.next('puback')
  return reasonCode
}

await t.test('all of them are members, and the last one to leave ends it', async (t) => {
  const server = await serve(t)
  const members: Person[] = []
  for (let each = 0; each < 60; each++) members.push(await join(t, server, `member ${each}`, { expiry: 0 }))
  for (const each of members) subscribe(each)
  for (const { raw } of members) t.match((await raw.next('suback')).granted, [1])
  t.equal(await reasonOf(t, server), 0)
  for (const { raw } of members) raw.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [SHARED] })
  for (const { raw } of members) await raw.next('unsuback')
  t.equal(await reasonOf(t, server), 0x10, 'nobody is left')
})

await t.test('who is taken over before it has joined', async (t) => {
  const server = await serve(t)
  for (let each = 0; each < 20; each++) {
    const hasty = await join(t, server, `hasty ${each}`, { expiry: 0 })
    subscribe(hasty)
    const { raw } = await join(t, server, `hasty ${each}`, { expiry: 0, clean: true })
    raw.send({ cmd: 'disconnect' })
    await raw.closed
  }
  await eventually('nobody is a member', async () => (await reasonOf(t, server)) === 0x10)
})
