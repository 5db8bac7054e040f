// Is the address that counts the one that the nearest trusted proxy has written, whatever stands to the left of it?
import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { Forwarding } from '../../common/forwarded.ts'
import { parseNetworks } from '../../common/networks.ts'

const PROXY = '10.0.0.1'
const trusting = new Forwarding(parseNetworks('10.0.0.0/8,fd00::/8'))

/** Behind a peer, with these headers. */
function of(headers: { forwarded?: string; xff?: string | string[] }, peer = PROXY, forwarding = trusting): string {
  const { forwarded, xff } = headers
  return forwarding.addressOf({
    headers: {
      ...(forwarded === undefined ? {} : { forwarded }),
      ...(xff === undefined ? {} : { 'x-forwarded-for': xff }),
    },
    socket: { remoteAddress: peer },
  } as unknown as IncomingMessage)
}

t.test('X-Forwarded-For', async (t) => {
  const cases: [string | string[], string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['198.51.100.7, 192.0.2.1', '192.0.2.1'],
    ['192.0.2.1, 10.2.3.4', '192.0.2.1'],
    ['evil, 192.0.2.1 ,10.2.3.4,fd00::9', '192.0.2.1'],
    [['1.1.1.1', '192.0.2.1'], '192.0.2.1'],
    ['192.0.2.1:4711', '192.0.2.1'],
    ['[2001:DB8::0:1]:4711', '2001:db8::1'],
    ['2001:db8:0:0::1', '2001:db8::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['10.9.9.9, 10.2.3.4', '10.9.9.9'],
    // What is no address ends what is known.
    ['192.0.2.1, unknown', PROXY],
    ['192.0.2.1, unknown, 10.2.3.4', '10.2.3.4'],
    ['', PROXY],
    [',', PROXY],
    ['192.0.2.1,', PROXY],
    ['fe80::1%eth0', PROXY],
    ['[192.0.2.1]', PROXY],
    ['192.0.2.256', PROXY],
  ]
  for (const [xff, address] of cases) t.equal(of({ xff }), address, String(xff))
})

t.test('Forwarded', async (t) => {
  const cases: [string, string][] = [
    ['for=192.0.2.1', '192.0.2.1'],
    ['For="192.0.2.1:4711"; proto=https;by=203.0.113.43', '192.0.2.1'],
    ['for="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['for=198.51.100.7, for=192.0.2.1;by=10.0.0.9', '192.0.2.1'],
    ['for="a, for=198.51.100.7", for=192.0.2.1', '192.0.2.1'],
    ['for="a\\", for=198.51.100.7", for=192.0.2.1', '192.0.2.1'],
    ['for=192.0.2.1, for=10.2.3.4', '192.0.2.1'],
    ['by=10.0.0.9;host=x;for=192.0.2.1', '192.0.2.1'],
    // Hidden, or not there.
    ['for=_hidden', PROXY],
    ['for=192.0.2.1, for=unknown, for=10.2.3.4', '10.2.3.4'],
    ['for=192.0.2.1, proto=https', PROXY],
    // None at all.
    ['', PROXY],
    ['192.0.2.1', PROXY],
    ['for=', PROXY],
    ['for="192.0.2.1', PROXY],
    ['for=192.0.2.1;for=192.0.2.2', PROXY],
    ['for=192.0.2.1 for=192.0.2.2', PROXY],
    ['for=192.0.2.1;', PROXY],
    ['for="unclosed, for=192.0.2.1', PROXY],
    [`for=192.0.2.1${', for=10.0.0.2'.repeat(500)}`, '192.0.2.1'],
  ]
  for (const [forwarded, address] of cases) t.equal(of({ forwarded }), address, forwarded.slice(0, 60))
})

t.test('both', async (t) => {
  t.equal(of({ forwarded: 'for=192.0.2.1', xff: '192.0.2.1' }), '192.0.2.1')
  t.equal(of({ forwarded: 'for=198.51.100.7', xff: '192.0.2.1' }), PROXY, 'one of them may be of the client')
  t.equal(of({ forwarded: 'nonsense', xff: '192.0.2.1' }), PROXY)
})

t.test('of a peer that nobody trusts', async (t) => {
  for (const peer of ['192.0.2.9', '2001:db8::9', '', 'nonsense'])
    t.equal(of({ forwarded: 'for=198.51.100.7', xff: '198.51.100.7' }, peer), peer)
  t.equal(of({ xff: '192.0.2.1' }, PROXY, new Forwarding(undefined)), PROXY)
  t.equal(of({ xff: '192.0.2.1' }, '::ffff:10.0.0.1'), '192.0.2.1', 'however the peer is spelled')
})

t.test('whatever a client writes, what the proxy adds is found, or the proxy counts', async () => {
  const text = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.constantFrom('for=1.1.1.1', '1.1.1.1', 'for="', 'for="a\\', ';', ','),
  )
  fc.assert(
    fc.property(fc.array(text, { maxLength: 4 }), (own) => {
      const sent = own.join(',')
      assert.ok(['192.0.2.1', PROXY].includes(of({ forwarded: `${sent}, for=192.0.2.1` })), sent)
      assert.equal(of({ xff: `${sent}, 192.0.2.1` }), '192.0.2.1')
    }),
    { numRuns: 2_000 },
  )
})

t.test('a header as long as the server takes is read to its end', async (t) => {
  for (const unit of ['for=1.1.1.1,', 'for="\\"\\"",', 'a=b;', '"', ' ', ',', 'for=10.0.0.1,', '\\']) {
    const long = unit.repeat(16_384 / unit.length)
    for (const header of [long, `for="${long}`]) t.equal(of({ forwarded: header }), PROXY)
    t.equal(of({ forwarded: `${long}for=192.0.2.1` }), of({ forwarded: `${unit}for=192.0.2.1` }), unit)
  }
})
