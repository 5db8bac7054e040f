// Does a name that DNS gives another address for, or several, never lead to one that is refused?
import { createServer } from 'node:net'
import { once } from 'node:events'
import { t } from '../../support/tap.ts'
import { found, makeSender } from './support/sending.ts'
import { startReceiver } from './support/receiver.ts'

const REFUSED = { kind: 'failed', failure: 'address-refused' }

await t.test('DNS that changes between look-ups', async (t) => {
  const receiver = await startReceiver(t)
  const answers = [found('127.0.0.1'), found('127.0.0.2'), found('169.254.169.254'), found('127.0.0.1')]
  let looks = 0
  const send = makeSender(t, {
    find: async () => {
      looks += 1
      return answers.shift() ?? []
    },
  })
  // No connection is left for the next call, so that each looks up again.
  receiver.answer = (response) => response.writeHead(204, { connection: 'close' }).end()
  const url = `http://hooks.test:${receiver.port}/`
  t.match(await send(url), { kind: 'delivered' })
  t.match(await send(url), REFUSED)
  t.match(await send(url), REFUSED)
  t.match(await send(url), { kind: 'delivered' })
  t.match(await send(url), REFUSED, 'no address at all')
  t.equal(looks, 5, 'one look-up a connection, which is the one that counts')
  t.equal(receiver.received.length, 2)
})

await t.test('a name with a good and a bad address leads to the good one', async (t) => {
  const bad = createServer(() => t.fail('the refused address was connected to'))
  bad.listen(0, '127.0.0.2')
  await once(bad, 'listening')
  t.teardown(() => bad.close())
  const { port } = bad.address() as { port: number }
  const receiver = await startReceiver(t, port)
  receiver.answer = (response) => response.writeHead(204, { connection: 'close' }).end()
  for (const addresses of [
    ['127.0.0.2', '127.0.0.1'],
    ['::1', '127.0.0.2', '::ffff:127.0.0.2', '127.0.0.1'],
  ]) {
    const send = makeSender(t, { find: async () => found(...addresses) })
    t.match(await send(`http://hooks.test:${port}/`), { kind: 'delivered' })
  }
})

await t.test('an address is not looked up', async (t) => {
  const receiver = await startReceiver(t)
  const find = async () => Promise.reject(new Error('looked up'))
  t.match(await makeSender(t, { find })(receiver.url), { kind: 'delivered' })
  t.match(await makeSender(t, { find })(`http://127.0.0.2:${receiver.port}/`), { failure: 'url-refused' })
  t.match(await makeSender(t, { find, networks: '10.0.0.0/8' })(receiver.url), { failure: 'url-refused' })
})

await t.test('a look-up that fails, or never answers', async (t) => {
  const fails = async () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }))
  t.match(await makeSender(t, { find: fails })('http://hooks.test:9999/'), { kind: 'failed', failure: 'dns' })
  const never = () => new Promise<never>(() => undefined)
  t.match(await makeSender(t, { find: never, timeoutMs: 200 })('http://hooks.test:9999/'), { failure: 'timeout' })
})
