// Does a token, a key, a password or a payload ever appear in what the server says, at the most talkative level?
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import {
  barrier,
  connect,
  connectBytes,
  connectDevice,
  connectProvider,
  connectRaw,
  issueToken,
  lookup,
  ack,
  request,
  revoke,
  send,
  startServerProcess,
  temporaryFolder,
} from '../support/index.ts'

const SCOPED_KEY = 'scoped-provider-key-0123456789'
const WRONG_KEY = 'wrong-provider-key-0123456789'
const PAYLOAD = 'payload-that-nobody-else-may-read'
const file = join(temporaryFolder(t), 'providers.json')
writeFileSync(file, JSON.stringify([{ name: 'mail', key: SCOPED_KEY, apps: ['mail'] }]))

for (const algorithm of ['HS256', 'RS256']) {
  await t.test(algorithm, async (t) => {
    const server = await startServerProcess(t, {
      settings: { PUSH_LOG_LEVEL: 'trace', PUSH_TOKEN_ALGORITHM: algorithm, PUSH_PROVIDERS_FILE: file },
    })
    const secrets = new Map<string, string>([
      ['the provider key', server.providerKey],
      ['the scoped provider key', SCOPED_KEY],
      ['a wrong provider key', WRONG_KEY],
      ['a payload', PAYLOAD],
      ['a payload as base64', Buffer.from(PAYLOAD).toString('base64').slice(0, 20)],
      ['a payload as bytes', [...Buffer.from(PAYLOAD.slice(0, 6))].join(',')],
    ])
    for (const name of readdirSync(join(server.dataDir, 'keys'))) {
      const text = readFileSync(join(server.dataDir, 'keys', name), 'utf8').trim()
      const material = /"(?:secret|privateKey)":"([^"]+)"/.exec(text)?.[1]?.replaceAll('\\n', '\n') ?? text
      secrets.set(name, material.split('\n').find((line) => !line.startsWith('-----')) ?? material)
    }
    const keep = <T extends { token: string }>(name: string, issued: T): T => {
      secrets.set(`${name}: claims`, issued.token.split('.')[1] ?? '')
      secrets.set(`${name}: signature`, issued.token.split('.')[2] ?? '')
      return issued
    }

    const ann = keep(
      'Ann',
      await issueToken(server, { app: 'chat', device: 'phone-1', account: 'ann', version: '1.0' }),
    )
    const device = await connectDevice(t, server, ann, { subscribe: true, protocolVersion: 5 })
    await device.subscribe(['chat/1.0', '#'])
    await send(server, { token: ann.token }, PAYLOAD, { retain: true })
    await send(server, { tokens: [ann.token, `${ann.token}x`, 'nonsense'] }, Buffer.from(PAYLOAD))
    await send(server, { app: 'chat', versions: '*' }, { text: PAYLOAD })
    const provider = await connectProvider(t, server)
    await provider.subscribe(['chat/u/#', '#'])
    await provider.publish(ann.topics.private, PAYLOAD)
    await provider.publish('chat/1.0', PAYLOAD, { qos: 2 })
    await provider.publish('not/a/push/topic', PAYLOAD).catch(() => undefined)
    await device.publish(`chat/u/${ann.tokenId}/x`, PAYLOAD)
    await device.publish('chat/1.0', PAYLOAD).catch(() => undefined)
    await barrier(server, device)

    // Refused ones.
    await connectDevice(t, server, `${ann.token}x`).catch(() => undefined)
    await connect(t, server, { username: 'provider', password: WRONG_KEY }).catch(() => undefined)
    await connect(t, server, { username: WRONG_KEY, password: PAYLOAD }, { clientId: 'x' }).catch(() => undefined)
    await connect(t, server, { username: ann.token, password: 'x' }).catch(() => undefined)
    for (const protocolVersion of [4, 5] as const) {
      for (const cut of [10, 60, 100]) {
        const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
        const bytes = connectBytes(
          { token: ann.token, will: { topic: 'a/#', payload: Buffer.from(PAYLOAD), qos: 1, retain: false } },
          protocolVersion,
        )
        raw.sendBytes(bytes.subarray(0, cut))
        raw.sendBytes(bytes)
        await raw.end()
      }
      const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
      await raw.connect({ token: ann.token })
      raw.sendBytes(Buffer.concat([Buffer.from([0x36, PAYLOAD.length]), Buffer.from(PAYLOAD)]))
      await raw.closed
    }

    // HTTP, with secrets in all the wrong places.
    for (const [method, path, options] of [
      ['GET', `/v1/messages?token=${ann.token}`, { bearer: null }],
      ['GET', `/${server.providerKey}`, {}],
      ['DELETE', `/v1/tokens/${ann.token}`, {}],
      ['POST', '/v1/messages', { raw: `{"payload":"${PAYLOAD}"` }],
      ['POST', '/v1/messages', { body: { to: { token: ann.token }, payload: PAYLOAD, ttl: -1 } }],
      ['POST', '/v1/messages', { body: { to: ann.token, payload: PAYLOAD } }],
      ['POST', '/v1/messages', { body: { [PAYLOAD]: ann.token } }],
      ['POST', '/v1/messages', { body: { to: { token: ann.token }, payloadBase64: PAYLOAD } }],
      ['POST', '/v1/messages', { bearer: WRONG_KEY, body: { to: { token: ann.token }, payload: PAYLOAD } }],
      ['POST', '/v1/messages', { headers: { 'content-type': ann.token }, raw: PAYLOAD }],
      ['POST', '/v1/messages/ack', { bearer: ann.token, body: { cursor: PAYLOAD } }],
      ['POST', '/v1/messages', { headers: { 'x-secret': PAYLOAD, cookie: ann.token }, body: {} }],
    ] as const) {
      await request(server, method, path, options)
    }
    const bob = keep('Bob', await issueToken(server, { app: 'chat', device: 'phone-1', account: 'bob' }))
    await device.closed
    await send(server, { token: bob.tokenId }, PAYLOAD)
    const page = await lookup(server, bob.token)
    await ack(server, bob.token, page.cursor)
    await revoke(server, bob.tokenId)
    await connectDevice(t, server, bob).catch(() => undefined)
    await request(server, 'GET', '/v1/messages', { bearer: bob.token })
    await server.restart()
    await server.kill('SIGINT')

    const said = [...server.logs, ...server.output].join('\n')
    t.match(said, /CONNECT refused/, 'it was talkative')
    t.match(said, /malformed/)
    t.ok(
      server.logs.every((line) => line.startsWith('{')),
      'every line is JSON',
    )
    for (const [what, secret] of secrets) {
      t.ok(secret.length > 5, `${what} is something to look for`)
      t.notOk(said.includes(secret), `${what} is not in the log`)
    }
  })
}
