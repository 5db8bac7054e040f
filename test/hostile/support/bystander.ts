/** A healthy device, which must be served whatever others do. */
import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import {
  connectDevice,
  type Device,
  issueToken,
  request,
  send,
  type Server,
  type ServerProcess,
} from '../../support/index.ts'

export interface Bystander {
  readonly device: Device
  /** It is still connected and gets what is sent to it; the server answers over HTTP too. */
  isServed(t: Test, what?: string): Promise<void>
}

export async function bystander(t: Test, server: Server | ServerProcess): Promise<Bystander> {
  const issued = await issueToken(server, { app: 'chat', device: 'bystander' })
  const device = await connectDevice(t, server, issued, { subscribe: true })
  const pid = 'pid' in server ? server.pid : undefined
  return {
    device,
    async isServed(t, what = 'a healthy device is served') {
      const text = randomUUID()
      await send(server, { token: issued.tokenId }, text)
      t.equal((await device.next()).text, text, what)
      t.equal((await request(server, 'GET', '/readyz', { bearer: null })).status, 200, 'and the server is ready')
      if (!('pid' in server)) return
      t.equal(server.pid, pid)
      t.ok(server.running, 'the process is the same')
    },
  }
}
