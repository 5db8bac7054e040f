// Does no spelling of an address, no scheme, port or part of a URL lead a webhook to where it must not go?
import { t } from '../../support/tap.ts'
import { mayCall } from '../../../bridge/webhooks/addresses.ts'
import { checkTarget, type TargetRules } from '../../../bridge/webhooks/target.ts'
import { parseNetworks } from '../../../common/networks.ts'
import { request, startServer } from '../../support/index.ts'
import { makeWebhook } from './support/api.ts'

const REFUSED = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254'],
  ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.88.99.1', '192.168.1.1'],
  ...['198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.7', '224.0.0.1', '239.1.1.1', '240.0.0.1'],
  ...['255.255.255.255', '::', '::1', '::127.0.0.1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:7f00:1'],
  ...['64:ff9b::808:808', '64:ff9b::7f00:1', '64:ff9b:1::1', '100::1', 'fc00::1', 'fd12::1', 'fe80::1', 'fec0::1'],
  ...['fe80::1%lo', 'ff02::1', '2001::1', '2001:0:4136:e378::1', '2001:2::1', '2001:20::1', '2001:db8::1'],
  ...['2002:7f00:1::1', '2002:808:808::1', '3fff::1', '4000::1', 'localhost', '', '8.8.8.8:443', '8.8.8'],
]
const PUBLIC = ['8.8.8.8', '1.1.1.1', '100.63.255.255', '172.15.0.1', '2606:4700::1111', '2a00:1450::1']

await t.test('addresses', async (t) => {
  for (const address of REFUSED) t.notOk(mayCall(address, undefined), address)
  for (const address of PUBLIC) t.ok(mayCall(address, undefined), address)
  const networks = parseNetworks('10.1.0.0/16,fd00::/64')
  t.ok(mayCall('10.1.2.3', networks))
  t.ok(mayCall('fd00::7', networks))
  t.notOk(mayCall('10.2.0.1', networks))
  t.notOk(mayCall('fd00:0:0:1::1', networks))
  t.notOk(mayCall('fe80::1%eth0', parseNetworks('fe80::/10')), 'a zone is of this machine')
})

const PRIVATE = /not public/
const WRONG: readonly (readonly [string, RegExp])[] = [
  ['http://example.com/', /https/],
  ['ftp://example.com/', /https/],
  ['file:///etc/passwd', /https/],
  ['gopher://example.com:6379/', /https/],
  ['//example.com/', /cannot be read/],
  ['example.com', /cannot be read/],
  ['https://', /cannot be read/],
  ['https://user:pass@example.com/', /user/],
  ['https://user@example.com/', /user/],
  ['https://example.com/#part', /#/],
  ['https://example.com:22/', /port/],
  ['https://example.com:25/', /port/],
  ['https://example.com:80/', /port/],
  ['https://example.com:0/', /port/],
  ['https://example.com:1023/', /port/],
  ['https://example.com/ path', /ASCII/],
  ['https://exämple.com/', /ASCII/],
  ['https://example.com/\r\nx-injected: 1', /ASCII/],
  ['\thttps://example.com/', /ASCII/],
  [`https://example.com/${'x'.repeat(2_048)}`, /ASCII/],
  ['https://127.0.0.1/', PRIVATE],
  ['https://127.1/', PRIVATE],
  ['https://127.0.0.1./', PRIVATE],
  ['https://0x7f.1/', PRIVATE],
  ['https://0x7f000001/', PRIVATE],
  ['https://2130706433/', PRIVATE],
  ['https://0177.0.0.1/', PRIVATE],
  ['https://017700000001/', PRIVATE],
  ['https://0/', PRIVATE],
  ['https://%31%32%37.0.0.1/', PRIVATE],
  ['https://[::1]/', PRIVATE],
  ['https://[::]/', PRIVATE],
  ['https://[0:0:0:0:0:ffff:7f00:0001]/', PRIVATE],
  ['https://[::ffff:127.0.0.1]/', PRIVATE],
  ['https://[::ffff:169.254.169.254]/', PRIVATE],
  ['https://[64:ff9b::127.0.0.1]/', PRIVATE],
  ['https://[fe80::1%25eth0]/', /cannot be read/],
  ['https://169.254.169.254/latest/meta-data', PRIVATE],
  ['https://100.64.0.1/', PRIVATE],
  ['https://224.0.0.1/', PRIVATE],
]

await t.test('URLs', async (t) => {
  for (const [url, detail] of WRONG)
    t.throws(() => checkTarget(url, {}), { code: 'WEBHOOK_URL_INVALID', detail }, url.slice(0, 60))
  for (const url of [
    'https://example.com/',
    'https://example.com:8443/x?y=z',
    'https://8.8.8.8/',
    'https://[2606:4700::1111]:1024/',
  ])
    t.ok(checkTarget(url, {}))
  const rules: TargetRules = { httpHosts: ['hooks.internal', '10.1.0.1'], networks: parseNetworks('10.1.0.0/16') }
  for (const url of [
    'http://hooks.internal/',
    'http://HOOKS.internal:80/',
    'http://10.1.0.1:3000/',
    'https://10.1.0.2/',
  ])
    t.ok(checkTarget(url, rules), url)
  for (const url of [
    'http://other.internal/',
    'http://hooks.internal:22/',
    'http://10.1.0.2/',
    'http://hooks.internal.evil.example/',
  ])
    t.throws(() => checkTarget(url, rules), { code: 'WEBHOOK_URL_INVALID' }, url)
})

await t.test('over HTTP, and nothing of the URL is logged or told again', async (t) => {
  const server = await startServer(t)
  for (const url of ['https://127.0.0.1/secret-path', 'http://example.com/secret-path']) {
    const body = { app: 'shop', url }
    const answer = await request(server, 'POST', '/v1/webhooks', { body })
    t.match(answer, { status: 400, body: { code: 'WEBHOOK_URL_INVALID' } })
    t.notOk(answer.text.includes('secret-path'))
  }
  const made = await makeWebhook(server, 'https://example.com/secret-path')
  const patched = await request(server, 'PATCH', `/v1/webhooks/${made.id}`, { body: { url: 'https://[::1]/' } })
  t.match(patched, { status: 400, body: { code: 'WEBHOOK_URL_INVALID' } })
  t.notOk(server.logs.join('\n').includes('secret-path'))
})
