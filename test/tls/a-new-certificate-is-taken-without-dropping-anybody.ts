// Is a changed certificate shown to new connections while old ones stay, and does a broken one change nothing?
import { writeFileSync } from 'node:fs'
import { t } from '../support/tap.ts'
import { eventually, issueToken, metric, send } from '../support/index.ts'
import { authority, filesInUse } from './support/certificates.ts'
import { connectSecure, nameShown, portFor, startTls } from './support/server.ts'

const signer = authority(t)
const { inUse, use } = filesInUse(t, signer.issue('first'))
const server = await startTls(t, inUse)
const mqtts = portFor(server, 'mqtts')
const issued = await issueToken(server, { app: 'chat', device: 'phone-1' })
const device = await connectSecure(t, server, issued, signer)
const reloads = (outcome: string) => metric(server, 'push_tls_reloads_total', `outcome="${outcome}"`)
const stillServed = async (text: string) => {
  await send(server, { token: issued.token }, text)
  t.equal((await device.next()).text, text, 'the connection from before stays')
}

await t.test('files that change', async (t) => {
  t.equal(await nameShown(t, mqtts), 'first')
  t.ok((await metric(server, 'push_tls_certificate_end_seconds')) > Date.now() / 1000)
  use(signer.issue('second'))
  await eventually('the new certificate', async () => (await nameShown(t, mqtts)) === 'second')
  t.equal(await nameShown(t, portFor(server, 'https')), 'second', 'on every port')
  await stillServed('after the change')
})

await t.test('SIGHUP with broken files', async (t) => {
  const before = await reloads('refused')
  for (const [setting, break_] of [
    ['PUSH_TLS_CERT', () => writeFileSync(inUse.cert, 'nonsense')],
    ['PUSH_TLS_KEY', () => use({ ...signer.issue('third'), key: signer.issue('other').key })],
    ['PUSH_TLS_KEY', () => writeFileSync(inUse.key, 'nonsense')],
  ] as const) {
    const lines = server.logs.length
    break_()
    process.kill(server.pid, 'SIGHUP')
    await eventually('a named error', () =>
      server.logs.slice(lines).some((line) => line.includes('TLS_FILES_INVALID') && line.includes(setting)),
    )
    t.equal(await nameShown(t, mqtts), 'second', 'the previous one stays in service')
  }
  t.ok((await reloads('refused')) >= before + 3)
  await stillServed('after broken files')
})

await t.test('SIGHUP with good files', async (t) => {
  use(signer.issue('fourth'))
  process.kill(server.pid, 'SIGHUP')
  await eventually('the new certificate', async () => (await nameShown(t, mqtts)) === 'fourth')
  await stillServed('after SIGHUP')
  t.equal(await server.stop(), 0)
})
