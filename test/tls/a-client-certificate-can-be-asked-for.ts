// With client certificates required or optional, who gets in, and is a refusal logged and counted?
import { readFileSync } from 'node:fs'
import { t } from '../support/tap.ts'
import { eventually, issueToken, metric } from '../support/index.ts'
import { authority } from './support/certificates.ts'
import { connectSecure, ended, openSecure, portFor, startTls } from './support/server.ts'

const signer = authority(t, 'ours')
const foreign = authority(t, 'theirs')
const files = signer.issue('push')
const known = signer.issue('device')
const unknown = foreign.issue('stranger')

for (const mode of ['required', 'optional'] as const) {
  await t.test(mode, async (t) => {
    const server = await startTls(t, files, { PUSH_TLS_CA: signer.path, PUSH_TLS_CLIENT_AUTH: mode })
    const refused = () => metric(server, 'push_disconnects_total', 'code="CLIENT_CERTIFICATE_REFUSED"')
    const issued = await issueToken(server, { app: 'chat', device: 'phone-1' })
    for (const transport of ['mqtts', 'wss'] as const) {
      const device = await connectSecure(t, server, issued, signer, { transport, identity: known })
      await device.end()
    }
    const identities = { stranger: unknown, ...(mode === 'required' ? { nobody: undefined } : {}) }
    let count = 0
    for (const [name, identity] of Object.entries(identities)) {
      for (const port of ['mqtts', 'https'] as const) {
        const own = identity === undefined ? {} : { cert: readFileSync(identity.cert), key: readFileSync(identity.key) }
        const socket = openSecure(t, portFor(server, port), own)
        socket.resume()
        await ended(socket)
        count += 1
        await eventually(`the count of ${name} on ${port}`, async () => (await refused()) === count)
      }
    }
    t.match(await server.waitForLog(/CLIENT_CERTIFICATE_REFUSED/), /"address":"127\.0\.0\.1".*"detail":"[^"]+"/)
    if (mode === 'required') return
    const device = await connectSecure(t, server, issued, signer)
    t.pass('without a certificate one is let in')
    await device.end()
  })
}
