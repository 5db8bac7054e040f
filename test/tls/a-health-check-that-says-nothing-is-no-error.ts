// Is a balancer that connects to a TLS port, sends nothing and closes again, or resets, counted as nothing?
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { BlockList } from 'node:net'
import { pino } from 'pino'
import { t } from '../support/tap.ts'
import { Certificates } from '../../broker/index.ts'
import { embed } from '../plugin/support/embed.ts'
import { reset } from '../support/reset.ts'
import { eventually, within } from '../support/waiting.ts'
import { authority } from './support/certificates.ts'

/** PROXY protocol version 2, command LOCAL: the balancer speaks for itself. */
const LOCAL = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')

const files = authority(t).issue('push')
const lines: string[] = []
const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
const { push } = await embed(t)
const certificates = new Certificates(
  { certificate: files.cert, key: files.key, minimumVersion: 'TLSv1.2', clientAuth: 'none' },
  push.metrics,
  logger,
)

async function listener(proxies: BlockList | undefined): Promise<{ port: number; taken: Socket[] }> {
  const acceptor = push.acceptor({ certificates, proxies }, () => undefined)
  const taken: Socket[] = []
  const server = createServer((socket) => {
    taken.push(socket)
    acceptor.accept(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, taken }
}

async function failures(): Promise<number> {
  const { values } = await push.metrics.disconnects.get()
  return values.reduce((sum, { value }) => sum + value, 0)
}

await t.test('with and without the header of the balancer', async (t) => {
  const local = new BlockList()
  local.addAddress('127.0.0.1')
  for (const [proxies, first] of [
    [undefined, Buffer.alloc(0)],
    [local, LOCAL],
    [local, Buffer.alloc(0)],
  ] as const) {
    const { port, taken } = await listener(proxies)
    for (const end of [(socket: Socket) => void socket.end(), reset]) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      await within('the connection', once(socket, 'connect'))
      if (first.length > 0) socket.write(first)
      const known = taken.length
      await eventually('the server has it', () => taken.length > 0 && (taken.at(-1)?.bytesRead ?? 0) >= first.length)
      end(socket)
      await eventually('the end', () => taken.length >= known && taken.every(({ closed }) => closed))
    }
  }
  t.equal(await failures(), 0)

  const { port } = await listener(undefined)
  const broken = connect(port, '127.0.0.1')
  broken.on('error', () => undefined)
  broken.write(Buffer.from([0x16, 0x03, 0x01, 0x00]))
  broken.end()
  await eventually('a handshake that was begun and broken off counts', async () => (await failures()) === 1)
})
