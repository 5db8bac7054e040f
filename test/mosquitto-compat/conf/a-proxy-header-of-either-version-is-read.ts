// Is a PROXY header of version 1 or 2 read to the byte, with what it tells of the client's certificate, and is one that is wrong refused?
import { parseProxyHeader, type ProxyVersion } from '../../../broker/gate/proxy-protocol.ts'
import { tlsIn } from '../../../broker/gate/proxy-tls.ts'
import { t } from '../../support/tap.ts'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const PORTS = Buffer.from([0x18, 0x83, 0, 1])
const IPV4 = Buffer.concat([Buffer.from([192, 0, 2, 5, 0, 0, 0, 0]), PORTS])

function header2(family: number, body: Buffer, command = 0x21): Buffer {
  return Buffer.concat([SIGNATURE, Buffer.from([command, family, body.length >> 8, body.length & 0xff]), body])
}

function value(type: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content)
  return Buffer.concat([Buffer.from([type, bytes.length >> 8, bytes.length & 0xff]), bytes])
}

/** PP2_TYPE_SSL: what the client has, whether its certificate was verified (0), and more. */
function ssl(client: number, verify: number, ...more: Buffer[]): Buffer {
  return value(0x20, Buffer.concat([Buffer.from([client, 0, 0, 0, verify]), ...more]))
}

const pathOf = (path: string) => Buffer.concat([Buffer.from(path.padEnd(108, '\0')), Buffer.alloc(108)])

t.test('headers that are good', (t) => {
  for (const [version, bytes, address, port] of [
    [1, Buffer.from('PROXY TCP4 192.0.2.5 127.0.0.1 6275 1234\r\n'), '192.0.2.5', 6275],
    [1, Buffer.from('PROXY TCP6 2001:DB8:0:0::1 ::1 6275 1234\r\n'), '2001:db8::1', 6275],
    [1, Buffer.from('PROXY UNKNOWN \r\n'), undefined, undefined],
    [1, Buffer.from('PROXY UNKNOWN\r\n'), undefined, undefined],
    [2, header2(0x11, IPV4), '192.0.2.5', 6275],
    [2, header2(0x21, Buffer.concat([Buffer.alloc(15), Buffer.from([1]), Buffer.alloc(16), PORTS])), '::1', 6275],
    [2, header2(0x31, pathOf('/run/client')), '/run/client', 0],
  ] as const) {
    const rest = Buffer.from('CONNECT')
    for (let end = 0; end < bytes.length; end++)
      if (parseProxyHeader(bytes.subarray(0, end), version) !== undefined) t.fail(`read after ${end} bytes`)
    t.match(parseProxyHeader(Buffer.concat([bytes, rest]), version), {
      address,
      port,
      bytes: bytes.length,
      isLocal: false,
    })
  }
  t.equal(parseProxyHeader(header2(0, Buffer.alloc(0), 0x20), 2)?.isLocal, true, 'LOCAL')
  t.end()
})

t.test('headers that are not', (t) => {
  const wrong: [ProxyVersion, Buffer | string][] = [
    [1, 'PROXY TCP3 192.0.2.5 127.0.0.1 6275 1234\r\n'],
    [1, 'PROXY TCP4 192.0.2.5 127.0.0.1 6275\r\n'],
    [1, 'PROXY TCP4 192.0.2.5 127.0.0.1 6275 1234 5\r\n'],
    [1, 'PROXY TCP4 192.0.2.256 127.0.0.1 6275 1234\r\n'],
    [1, 'PROXY TCP6 192.0.2.5 127.0.0.1 6275 1234\r\n'],
    [1, 'PROXY TCP4 192.0.2.5 127.0.0.1 0 1234\r\n'],
    [1, 'PROXY TCP4 192.0.2.5 127.0.0.1 6275 65536\r\n'],
    [1, `PROXY TCP4 192.0.2.5 127.0.0.1 6275 1234${' '.repeat(80)}\r\n`],
    [1, 'x'.repeat(200)],
    [1, header2(0x11, IPV4)],
    [2, 'PROXY TCP4 192.0.2.5 127.0.0.1 6275 1234\r\n'],
    [2, header2(0x11, IPV4, 0x31)],
    [2, header2(0x11, IPV4.subarray(1))],
    [2, header2(0x21, IPV4)],
    [2, header2(0x11, Buffer.alloc(5000))],
  ]
  for (const [version, bytes] of wrong)
    t.throws(() => parseProxyHeader(Buffer.from(bytes), version), { code: 'PROXY_HEADER_INVALID' }, String(bytes))
  t.end()
})

t.test('what is told of the client', (t) => {
  const more = (...values: Buffer[]) =>
    parseProxyHeader(header2(0x11, Buffer.concat([IPV4, ...values])), 2)?.more ?? IPV4
  const [version, cipher, name] = [value(0x21, 'TLSv1.3'), value(0x23, 'AES'), value(0x22, 'ann')]
  t.equal(tlsIn(more()), undefined, 'nothing')
  t.equal(tlsIn(more(value(0x05, 'id'))), undefined, 'nothing of TLS')
  t.same(tlsIn(more(value(0x05, 'id'), ssl(0x05, 0, version, cipher, name))), {
    version: 'TLSv1.3',
    cipher: 'AES',
    commonName: 'ann',
    isVerified: true,
  })
  for (const [client, verify, what] of [
    [0x01, 0, 'no certificate in this session'],
    [0x05, 1, 'one that was not verified'],
  ] as const)
    t.equal(tlsIn(more(ssl(client, verify, name)))?.isVerified, false, what)
  t.equal(tlsIn(more(ssl(0x04, 0))), undefined, 'no TLS')
  for (const cut of [
    Buffer.from([0x20, 0]),
    Buffer.from([0x20, 0, 9, 1]),
    value(0x20, 'abc'),
    ssl(5, 0, name.subarray(0, 4)),
  ])
    t.throws(() => tlsIn(more(cut)), { code: 'PROXY_HEADER_INVALID' }, cut.toString('hex'))
  t.end()
})
