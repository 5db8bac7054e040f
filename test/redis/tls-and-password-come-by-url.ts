// Does a rediss URL with a password work, for batches and for wakes, with the certificate checked?
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { openRedisStore } from '../../store/redis/index.ts'
import { eventually, freePort, startRedis, temporaryFolder } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { APP, known, message, UNAVAILABLE } from './support/people.ts'

await t.test('TLS and a password', async (t) => {
  const folder = temporaryFolder(t, 'certificate')
  const key = join(folder, 'key.pem')
  const certificate = join(folder, 'certificate.pem')
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const files = ['-keyout', key, '-out', certificate]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, ...files], {
    stdio: 'ignore',
  })
  const port = await freePort()
  await startRedis(t, {
    config: {
      'tls-port': String(port),
      'tls-cert-file': certificate,
      'tls-key-file': key,
      'tls-ca-cert-file': certificate,
      'tls-auth-clients': 'no',
      requirepass: 'secret',
    },
  })
  const url = `rediss://:secret@localhost:${port}`
  const store = await redisStore(t, { url, tls: { ca: readFileSync(certificate) } })
  const heard: string[] = []
  store.watch({
    privateAppended: () => void heard.push('private'),
    broadcastAppended: () => void heard.push('broadcast'),
    sessionEnded: () => undefined,
    cursorMoved: () => undefined,
    cursorsLost: () => undefined,
    resync: () => undefined,
  })
  const token = await known(store, 'phone')
  await store.openSession({ tokenId: token, app: APP, generation: 1, cleanStart: false })
  await store.append({ tokenId: token, message: message('one'), dedupe: false })
  await store.appendBroadcast({ app: APP, selector: { kind: 'all' }, message: message('all'), dedupe: false })
  await eventually('both wakes', () => heard.includes('private') && heard.includes('broadcast'))

  const wrong = (options: { url: string; tls?: { ca: Buffer } }) =>
    openRedisStore({ ...options, limits: { redisOpenMs: 300 } }).open()
  await t.rejects(wrong({ url }), UNAVAILABLE, 'a certificate that nobody vouches for')
  const tls = { ca: readFileSync(certificate) }
  await t.rejects(wrong({ url: `rediss://:wrong@localhost:${port}`, tls }), UNAVAILABLE, 'a wrong password')
})
