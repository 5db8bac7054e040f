// Does a client that pings without end and reads no answer cost memory without bound, or hold up the others?
import { once } from 'node:events'
import { t } from '../support/tap.ts'
import { connectRaw, eventually, issueToken, metric, startServerProcess } from '../support/index.ts'
import { bystander } from './support/bystander.ts'
import { residentMiB } from './support/memory.ts'

const server = await startServerProcess(t, { settings: { PUSH_STALL_TIMEOUT: '1', PUSH_MAX_WORK: '0' } })
const healthy = await bystander(t, server)
const issued = await issueToken(server, { app: 'chat', device: 'hostile' })
const PINGS = Buffer.alloc(64 * 1024, Buffer.from([0xc0, 0x00]))
const slowReaders = () => metric(server, 'push_disconnects_total', 'code="SLOW_READER"')

const roles = {
  device: { token: issued.token },
  provider: { username: 'provider', password: Buffer.from(server.providerKey) },
}

for (const [role, fields] of Object.entries(roles)) {
  await t.test(role, async (t) => {
    const before = await slowReaders()
    const raw = await connectRaw(t, server.mqttPort)
    await raw.connect(fields)
    raw.pause()
    const start = residentMiB(server.pid)
    let most = 0
    let closed = false
    void raw.closed.then(() => (closed = true))
    // 50 MB of pings are 25 million; the server stops reading long before.
    for (let round = 0; round < 800 && !closed; round++) {
      raw.sendBytes(PINGS)
      if (raw.socket.writableLength > 8 * 1024 * 1024) {
        // A reset of the connection ends the wait too, and is what is hoped for.
        await Promise.race([once(raw.socket, 'drain').catch(() => undefined), raw.closed])
        most = Math.max(most, residentMiB(server.pid))
        if ((await slowReaders()) > before) break
      }
      if (round % 200 === 0) await healthy.isServed(t)
    }
    await eventually('the disconnection', async () => (await slowReaders()) === before + 1)
    t.ok(most - start < 150, `the flood cost ${Math.round(most - start)} MiB of memory`)
    await healthy.isServed(t)
  })
}
