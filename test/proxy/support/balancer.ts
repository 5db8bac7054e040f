/** PROXY protocol v2 as balancers write it. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import type { Scope } from '../../support/index.ts'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

function header(command: number, family: number, body: Buffer): Buffer {
  return Buffer.concat([SIGNATURE, Buffer.from([command, family, body.length >> 8, body.length & 0xff]), body])
}

const PORTS = [0xab, 0xcd, 0x07, 0x5b]
/** A PP2_TYPE_UNIQUE_ID, as real ones send after the addresses. */
const EXTRA = [0x05, 0x00, 0x04, 1, 2, 3, 4]

export const LOCAL = header(0x20, 0x00, Buffer.alloc(0))

export function proxyHeader(source: string): Buffer {
  const address = source.split('.').map(Number)
  return header(0x21, 0x11, Buffer.from([...address, 10, 0, 0, 1, ...PORTS, ...EXTRA]))
}

export function proxyHeader6(source: string): Buffer {
  const hostname = new URL(`http://[${source}]`).hostname.slice(1, -1)
  const [head = '', tail = ''] = hostname.split('::')
  const [first, last] = [head, tail].map((part) => part.split(':').filter((group) => group !== ''))
  const groups = [
    ...(first ?? []),
    ...Array<string>(8 - (first?.length ?? 0) - (last?.length ?? 0)).fill('0'),
    ...(last ?? []),
  ]
  const address = Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex')
  return header(0x21, 0x21, Buffer.concat([address, Buffer.alloc(16), Buffer.from(PORTS)]))
}

/** A TCP balancer on a port of its own. */
export async function throughBalancer(t: Scope, port: number, head: () => Buffer): Promise<number> {
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    upstream.write(head())
    client.pipe(upstream).pipe(client)
    client.on('error', () => upstream.destroy())
    upstream.on('error', () => client.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  return (server.address() as AddressInfo).port
}
