// May a web page, under a name of its own or from an origin of its own, talk to a server on a loopback address?
import { t } from '../support/tap.ts'
import { createHostCheck } from '../../bridge/index.ts'
import { request } from '../support/api.ts'
import { embed } from '../plugin/support/embed.ts'
import { converse, upgradeTo } from './support/raw.ts'

/** The code of the refusal, or `taken`. */
function verdict(bound: string | undefined, headers: { host?: string; origin?: string }, allowed?: string[]): string {
  try {
    createHostCheck(allowed)({ headers }, bound)
    return 'taken'
  } catch (error) {
    return (error as { code: string }).code
  }
}

await t.test('names and origins', async (t) => {
  for (const host of ['localhost', 'LocalHost:8080', 'app.localhost:1', '127.0.0.1:8080', '127.1.2.3', '[::1]:8080'])
    t.equal(verdict('127.0.0.1', { host }), 'taken', host)
  // No name leads to an address: a proxy or a probe that gives one is no web page.
  for (const host of ['10.0.0.7:8080', '[fd00::7]']) t.equal(verdict('::1', { host }), 'taken', host)
  for (const host of ['evil.example', 'localhost.evil.example:8080', 'notlocalhost', '', 'a:b:c', '[::1].evil.example'])
    t.equal(verdict('127.0.0.1', { host }), 'HOST_FORBIDDEN', host)

  const host = 'localhost:8080'
  for (const origin of ['http://localhost:3000', 'https://app.localhost', 'http://127.0.0.1', 'http://[::1]:3000'])
    t.equal(verdict('127.0.0.1', { host, origin }), 'taken', origin)
  for (const origin of [
    'https://evil.example',
    'null',
    'file://',
    '',
    'http://localhost@evil.example',
    'http://10.0.0.7',
  ])
    t.equal(verdict('127.0.0.1', { host, origin }), 'ORIGIN_FORBIDDEN', origin)
})

await t.test('names that are allowed, and addresses that are not loopback', async (t) => {
  const own = { host: 'push.example', origin: 'https://push.example' }
  const foreign = { host: 'push.example', origin: 'https://app.example:8443' }
  for (const bound of ['0.0.0.0', '::', '10.0.0.7', undefined]) t.equal(verdict(bound, foreign), 'taken', bound ?? '')
  t.equal(verdict('127.0.0.1', own, ['push.example']), 'taken')
  t.equal(verdict('127.0.0.1', foreign, ['push.example']), 'ORIGIN_FORBIDDEN')
  t.equal(verdict('127.0.0.1', foreign, ['push.example', 'app.example']), 'taken')
  t.equal(verdict('127.0.0.1', foreign, ['*']), 'taken')
  t.equal(verdict('0.0.0.0', own, ['other.example']), 'HOST_FORBIDDEN', 'what is set holds everywhere')
  t.equal(verdict('0.0.0.0', { host: 'localhost' }, ['other.example']), 'taken')
})

await t.test('over HTTP and over WebSocket', async (t) => {
  const server = await embed(t)
  const get = (path: string, headers: Record<string, string>) => request(server, 'GET', path, { headers })
  const evil = { host: 'evil.example' }
  t.match(await get('/metrics', evil), { status: 421, body: { code: 'HOST_FORBIDDEN' } })
  t.match(await get('/nothing', evil), { status: 421, body: { code: 'HOST_FORBIDDEN' } })
  t.match(await get('/metrics', { origin: 'https://evil.example' }), {
    status: 403,
    body: { code: 'ORIGIN_FORBIDDEN' },
  })
  for (const path of ['/healthz', '/readyz']) t.equal((await get(path, evil)).status, 200, 'probes have any name')
  t.match(await converse(t, server.httpPort, upgradeTo('/mqtt', evil)), /^HTTP\/1\.1 421 .*"code":"HOST_FORBIDDEN"/s)
  const foreign = upgradeTo('/mqtt', { origin: 'https://evil.example' })
  t.match(await converse(t, server.httpPort, foreign), /^HTTP\/1\.1 403 .*"code":"ORIGIN_FORBIDDEN"/s)

  const open = await embed(t, { allowedHosts: ['*'] })
  t.equal((await request(open, 'GET', '/metrics', { headers: evil })).status, 200)
})
