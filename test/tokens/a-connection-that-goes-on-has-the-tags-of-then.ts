// A connection goes on with a newer token: are its tags from then on those that the registry has, given and taken back?
import { t } from '../support/tap.ts'
import { broadcast, broadcastsSoFar, connectTagged } from '../isolation/support/tagged.ts'
import { eventually } from '../support/index.ts'
import { issue } from './support/calls.ts'
import { onEachEngine } from './support/engines.ts'

await onEachEngine(t, async (t, { one, other }) => {
  const names = { app: 'chat', device: 'phone', account: 'ann', version: '1.0' }
  const device = await connectTagged(t, one, await issue(one, { ...names, ttl: 2, tags: ['beta'] }))
  await broadcast(other, 'beta', { any: ['beta'] })
  await broadcast(other, 'new', { any: ['new'] })
  t.same(await broadcastsSoFar(other, device), ['beta'])
  await issue(other, { ...names, ttl: 60, tags: ['new'] })
  await eventually('its own token has ended', async () => {
    await broadcast(other, 'for beta', { any: ['beta'] })
    await broadcast(other, 'for new', { any: ['new'] })
    return (await broadcastsSoFar(other, device)).join() === 'for new'
  })
  await broadcast(other, 'for beta', { any: ['beta'] })
  t.same(await broadcastsSoFar(other, device), [], 'on the same connection')
})
