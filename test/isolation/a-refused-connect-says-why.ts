// Which code, and on MQTT 5 which words, does a refused CONNECT get?
import { t } from '../support/tap.ts'
import { type ConnectFields, connectRaw, issueToken, metric, request, revoke, startServer } from '../support/index.ts'
import { ANN, getsItsOwn, join } from './support/people.ts'

const server = await startServer(t)
const ann = await join(t, server, ANN)
const key = server.providerKey
const revoked = await issueToken(server, { ...ANN, device: 'phone-revoked' })
await revoke(server, revoked.tokenId)
const superseded = await issueToken(server, { ...ANN, device: 'phone-shared' })
await issueToken(server, { ...ANN, device: 'phone-shared', account: 'bob' })

interface Case {
  readonly fields: ConnectFields
  readonly returnCode: number
  readonly reason: number
  readonly code: string
}

const WRONG = { returnCode: 4, reason: 0x86, code: 'CREDENTIALS_INVALID' }
const MISSING = { returnCode: 5, reason: 0x86, code: 'CREDENTIALS_MISSING' }
const provider = (password: string | Buffer): ConnectFields => ({
  username: 'provider',
  password: Buffer.from(password),
})

const cases: Record<string, Case> = {
  'no credentials': { fields: {}, ...MISSING },
  'a user name alone': { fields: { username: 'provider' }, ...MISSING },
  'an empty password': { fields: provider(''), ...WRONG },
  'a wrong provider key': { fields: provider('not-the-key-0123456789'), ...WRONG },
  'a part of the provider key': { fields: provider(key.slice(0, -1)), ...WRONG },
  'more than the provider key': { fields: provider(`${key}x`), ...WRONG },
  'the provider key and a line end': { fields: provider(`${key}\n`), ...WRONG },
  'the provider key and NUL': { fields: provider(`${key}\0`), ...WRONG },
  'the provider key in capitals': { fields: provider(key.toUpperCase()), ...WRONG },
  'the provider key under another user name': {
    fields: { username: 'admin', password: Buffer.from(key) },
    ...WRONG,
  },
  'a password of 60 KiB': { fields: provider('x'.repeat(60_000)), ...WRONG },
  'bytes that are no text': { fields: provider(Buffer.from([0xff, 0xfe, 0x00, 0x80])), ...WRONG },
  'a revoked token': { fields: { token: revoked.token }, returnCode: 5, reason: 0x87, code: 'TOKEN_REVOKED' },
  'a superseded token': { fields: { token: superseded.token }, returnCode: 5, reason: 0x87, code: 'TOKEN_SUPERSEDED' },
  'a token of nobody': {
    fields: { token: 'eyJhbGciOiJIUzI1NiJ9.e30.AAAA' },
    returnCode: 4,
    reason: 0x86,
    code: 'TOKEN_INVALID',
  },
  'a token as the user of a provider': {
    fields: { username: 'provider', password: Buffer.from(revoked.token) },
    returnCode: 5,
    reason: 0x87,
    code: 'TOKEN_REVOKED',
  },
}

for (const [what, { fields, returnCode, reason, code }] of Object.entries(cases)) {
  await t.test(what, async (t) => {
    const before = await metric(server, 'push_refused_connects_total', `code="${code}"`)
    for (const protocolVersion of [3, 4, 5] as const) {
      const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
      const connack = await raw.connect(fields)
      t.equal(connack.sessionPresent, false)
      if (protocolVersion < 5) t.equal(connack.returnCode, returnCode, `protocol ${protocolVersion}`)
      else {
        t.equal(connack.reasonCode, reason, 'MQTT 5')
        t.match(connack.properties?.reasonString, /^[A-Z].+\.( \(.+\))?$/, 'a sentence')
      }
      await raw.closed
      t.equal(raw.packets.received.length, 1, 'nothing but the CONNACK')
    }
    t.equal(await metric(server, 'push_refused_connects_total', `code="${code}"`), before + 3, 'and it is counted')
  })
}

await t.test('the HTTP side says the same', async (t) => {
  for (const [bearer, code] of [
    [null, 'CREDENTIALS_MISSING'],
    ['', 'CREDENTIALS_MISSING'],
    ['not-the-key-0123456789', 'CREDENTIALS_INVALID'],
    [key.slice(0, -1), 'CREDENTIALS_INVALID'],
    [`${key}x`, 'CREDENTIALS_INVALID'],
  ] as const) {
    t.match(await request(server, 'POST', '/v1/messages', { bearer, body: {} }), { status: 401, body: { code } })
  }
})

await t.test('what was sent before the CONNACK of a refused CONNECT has no effect', async (t) => {
  const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 4 })
  raw.send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    clientId: 'hasty',
    username: 'provider',
    password: Buffer.from('not-the-key-0123456789'),
  })
  raw.send({
    cmd: 'publish',
    topic: ann.issued.topics.private,
    payload: 'evil',
    qos: 1,
    messageId: 1,
    dup: false,
    retain: true,
  })
  raw.send({ cmd: 'subscribe', messageId: 2, subscriptions: [{ topic: '#', qos: 1 }] })
  await raw.closed
  t.same(
    raw.packets.received.map(({ cmd }) => cmd),
    ['connack'],
  )
  await getsItsOwn(t, server, ann)
})
