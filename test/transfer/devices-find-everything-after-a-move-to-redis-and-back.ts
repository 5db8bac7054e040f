// Do devices with the tokens that they have get exactly what was pending, after a move to Redis, and after one back?
import { t } from '../support/tap.ts'
import { untilNothingIsPending } from '../delivery/support/messages.ts'
import { connectAll } from '../nodes/support/nodes.ts'
import {
  type ApiTarget,
  barrier,
  connectDevice,
  issueToken,
  type MqttTarget,
  revoke,
  type Scope,
  send,
  startRedis,
  startServer,
  temporaryFolder,
} from '../support/index.ts'
import { linesOf, move } from './support/move.ts'

const APP = 'news'
const EVERYBODY = { app: APP, versions: '*' }
const BYTES = Buffer.from([0, 255, 128, 10, 13])

type Target = ApiTarget & MqttTarget

/** What reaches a device that connects and subscribes, then leaves: texts, those that are retained in brackets. */
async function arrivals(t: Scope, server: Target, issued: Awaited<ReturnType<typeof issueToken>>): Promise<string[]> {
  const device = await connectAll(t, server, issued)
  const before = [...(await barrier(server, device)), ...(await barrier(server, device, EVERYBODY))]
  await untilNothingIsPending(server, issued)
  await device.end()
  return before
    .map(({ text, retain }) => (retain ? `[${text}]` : text))
    .filter((text) => !text.startsWith('barrier-'))
    .sort()
}

const refused = { code: 0x87 }

await t.test('a move there and back', async (t) => {
  const dataDir = temporaryFolder(t, 'data')
  const first = await startServer(t, { dataDir })
  const token = (device: string, account: string, version = '2.0.0') =>
    issueToken(first, { app: APP, device, account, version })
  const { providerKey } = first

  const carl = await token('tablet', 'carl')
  const carlsDevice = await connectAll(t, first, carl)
  await send(first, { token: carl.tokenId }, 'kept', { retain: true })
  for (const text of ['m-1', 'm-2']) await send(first, { token: carl.tokenId }, text)
  await send(first, { app: APP, version: '2.0.0' }, 'kept for 2.0.0', { retain: true })
  for (const text of ['b-1', 'b-2']) await send(first, EVERYBODY, text)
  await carlsDevice.nextN(6)
  await untilNothingIsPending(first, carl)
  await carlsDevice.end()
  for (const text of ['m-3', 'm-4', 'm-5']) await send(first, { token: carl.tokenId }, text)
  await send(first, { token: carl.tokenId }, BYTES, { id: 'bytes' })
  await send(first, { app: APP, versions: '>=2' }, 'b-3')
  await send(first, { app: APP, version: '1.0.0' }, 'for others')
  const ann = await token('phone', 'ann')
  await send(first, { token: ann.tokenId }, 'for ann')
  const bert = await token('phone', 'bert')
  await send(first, { token: bert.tokenId }, 'for bert')
  const dora = await token('watch', 'dora')
  await send(first, { token: dora.tokenId }, 'for dora')
  await revoke(first, dora.tokenId)
  await send(first, EVERYBODY, 'b-4')
  t.equal(await first.stop(), 0)

  const redis = await startRedis(t)
  const inRedis = { PUSH_REDIS_URL: redis.url }
  const file = await move(t, { PUSH_DATA_DIR: dataDir }, { ...inRedis, PUSH_DATA_DIR: temporaryFolder(t, 'data') })
  t.notMatch(linesOf(file).join(), /"(carl|ann|bert|dora|tablet|phone|watch)"/, 'no names of people or devices')
  const same = await startServer(t, { dataDir, settings: inRedis })
  const other = await startServer(t, { settings: inRedis })
  t.equal(other.providerKey, providerKey, 'a provider goes on with its key')

  await t.test('on Redis', async (t) => {
    const device = await connectAll(t, other, carl)
    const own = await barrier(other, device)
    const text = own.filter(({ topic }) => topic === carl.topics.private).map(({ text, retain }) => [text, retain])
    t.same(
      text.slice(0, 4).sort(),
      [
        ['kept', true],
        ['m-3', false],
        ['m-4', false],
        ['m-5', false],
      ],
      'what was retained, and what was not acknowledged',
    )
    t.same(
      own.filter(({ text }) => text.startsWith('m-')).map(({ text }) => text),
      ['m-3', 'm-4', 'm-5'],
      'in order',
    )
    t.same(own.find(({ properties }) => JSON.stringify(properties).includes('"bytes"'))?.payload, BYTES)
    await barrier(same, device, EVERYBODY)
    const broadcasts = device.received.filter(({ topic }) => topic === carl.topics.broadcast)
    t.same(
      broadcasts.map(({ text, retain }) => (retain ? `[${text}]` : text)).filter((text) => !text.startsWith('barrier')),
      ['[kept for 2.0.0]', 'b-3', 'b-4'],
    )
    await send(same, { token: carl.tokenId }, 'new')
    t.equal((await device.next()).text, 'new')
    await untilNothingIsPending(same, carl)
    await device.end()
    t.same(await arrivals(t, same, carl), ['[kept for 2.0.0]', '[kept]'], 'nothing twice')

    await t.rejects(connectDevice(t, same, ann), refused, 'another account is current')
    t.same(await arrivals(t, other, bert), ['[kept for 2.0.0]', 'b-4', 'for bert'])
    await t.rejects(connectDevice(t, other, dora), refused, 'revoked')
    const doraAgain = await issueToken(other, { app: APP, device: 'watch', account: 'dora', version: '2.0.0' })
    t.equal(doraAgain.tokenId, dora.tokenId)
    await t.rejects(connectDevice(t, other, dora), refused, 'the one that was revoked stays so')
    t.same(await arrivals(t, same, doraAgain), ['[kept for 2.0.0]', 'b-4', 'for dora'])

    await send(same, { token: carl.tokenId }, 'before the way back')
    await send(same, EVERYBODY, 'to all before the way back')
    t.same([await same.stop(), await other.stop()], [0, 0])
  })

  const back = temporaryFolder(t, 'data')
  await move(t, { ...inRedis, PUSH_DATA_DIR: dataDir }, { PUSH_DATA_DIR: back })
  await redis.kill()
  const last = await startServer(t, { dataDir: back })

  await t.test('on the embedded store again', async (t) => {
    t.equal(last.providerKey, providerKey)
    t.same(
      await arrivals(t, last, carl),
      ['[kept for 2.0.0]', '[kept]', 'before the way back', 'to all before the way back'].sort(),
    )
    await t.rejects(connectDevice(t, last, ann), refused)
    await t.rejects(connectDevice(t, last, dora), refused)
    t.same(await arrivals(t, last, bert), ['[kept for 2.0.0]', 'to all before the way back'])
    const annAgain = await issueToken(last, { app: APP, device: 'phone', account: 'ann', version: '2.0.0' })
    t.equal(annAgain.tokenId, ann.tokenId)
    t.match(await arrivals(t, last, annAgain), ['[kept for 2.0.0]', 'b-4', 'for ann', 'to all before the way back'])
    await t.rejects(connectDevice(t, last, bert), refused, 'now that another account is current')
  })
})
