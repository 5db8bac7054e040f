// Do all worker processes of one server show a changed certificate after SIGHUP, while their connections stay?
import { t } from '../support/tap.ts'
import { eventually, issueToken, send, startRedis } from '../support/index.ts'
import { authority, filesInUse } from './support/certificates.ts'
import { connectSecure, nameShown, portFor, startTls } from './support/server.ts'

const WORKERS = 2
/** In turn they come to all workers. */
const CONNECTIONS = 3 * WORKERS

const signer = authority(t)
const { inUse, use } = filesInUse(t, signer.issue('first'))

t.test('SIGHUP with workers', async (t) => {
  const redis = await startRedis(t)
  const server = await startTls(t, inUse, { PUSH_REDIS_URL: redis.url }, ['--workers', String(WORKERS)])
  const names = async () => {
    const shown = new Set<string>()
    for (let count = 0; count < CONNECTIONS; count++) shown.add(await nameShown(t, portFor(server, 'mqtts')))
    return [...shown]
  }
  t.same(await names(), ['first'])
  const issued = await issueToken(server, { app: 'chat', device: 'phone-1' })
  const device = await connectSecure(t, server, issued, signer)

  use(signer.issue('second'))
  process.kill(server.pid, 'SIGHUP')
  await eventually('the new certificate everywhere', async () => (await names()).join() === 'second')
  await send(server, { token: issued.token }, 'after SIGHUP')
  t.equal((await device.next()).text, 'after SIGHUP', 'the connection from before stays')
  t.equal(await server.stop(), 0)
})
