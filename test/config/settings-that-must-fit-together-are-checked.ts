// Are values refused that do not fit together, and does a default give way to what was set?
import { t } from '../support/tap.ts'
import { readConfig } from '../../server/arguments.ts'
import { ConfigError, type Config } from '../../server/settings.ts'
import { checkListeners } from '../../server/listen.ts'

const read = (env: Record<string, string>): Config => readConfig([], env).config

t.test('what does not fit names both settings', async (t) => {
  for (const [env, names] of [
    [{ PUSH_TOKEN_TTL: '34560001' }, ['PUSH_TOKEN_TTL', '--token-ttl', 'PUSH_TOKEN_TTL_MAX', '34560000']],
    [{ PUSH_TOKEN_TTL: '10', PUSH_TOKEN_TTL_MAX: '9' }, ['PUSH_TOKEN_TTL', 'PUSH_TOKEN_TTL_MAX']],
    [{ PUSH_MESSAGE_TTL: '10', PUSH_MESSAGE_TTL_MAX: '9' }, ['PUSH_MESSAGE_TTL', 'PUSH_MESSAGE_TTL_MAX']],
    [{ PUSH_MAX_PAYLOAD: '1000', PUSH_MAX_PENDING_BYTES: '999' }, ['PUSH_MAX_PAYLOAD', 'PUSH_MAX_PENDING_BYTES']],
    [{ PUSH_MAX_PAYLOAD: '1000', PUSH_MAX_BROADCAST_BYTES: '1' }, ['PUSH_MAX_PAYLOAD', 'PUSH_MAX_BROADCAST_BYTES']],
    [{ PUSH_MAX_PAYLOAD: '1000', PUSH_MAX_QUEUED_BYTES: '1' }, ['PUSH_MAX_PAYLOAD', 'PUSH_MAX_QUEUED_BYTES']],
    [{ PUSH_MAX_PAYLOAD: '1000', PUSH_MAX_BODY: '1500' }, ['PUSH_MAX_PAYLOAD', 'PUSH_MAX_BODY', 'base64']],
    [{ PUSH_MAX_PAYLOAD: '1000', PUSH_MAX_PACKET: '1500' }, ['PUSH_MAX_PAYLOAD', 'PUSH_MAX_PACKET']],
    [
      { PUSH_MAX_CONNECTIONS_PER_ADDRESS: '10', PUSH_MAX_CONNECTIONS: '9' },
      ['PUSH_MAX_CONNECTIONS_PER_ADDRESS', 'PUSH_MAX_CONNECTIONS'],
    ],
  ] as [Record<string, string>, string[]][]) {
    t.throws(() => read(env), ConfigError, JSON.stringify(env))
    try {
      read(env)
    } catch (error) {
      for (const name of names) t.ok((error as Error).message.includes(name), `${JSON.stringify(env)} names ${name}`)
    }
  }
})

t.test('a default gives way, and never makes a maximum of tokens or messages longer', async (t) => {
  t.equal(read({ PUSH_TOKEN_TTL_MAX: '60' }).PUSH_TOKEN_TTL, 60)
  t.equal(read({ PUSH_MESSAGE_TTL_MAX: '60' }).PUSH_MESSAGE_TTL, 60)
  const large = read({ PUSH_MAX_PAYLOAD: String(16 * 1024 * 1024) })
  t.ok(large.PUSH_MAX_PACKET > large.PUSH_MAX_PAYLOAD)
  t.ok(large.PUSH_MAX_BODY > (large.PUSH_MAX_PAYLOAD * 4) / 3)
  t.equal(large.PUSH_MAX_PENDING_BYTES, large.PUSH_MAX_PAYLOAD)
  t.equal(read({ PUSH_MAX_PACKET: '1024' }).PUSH_MAX_PAYLOAD, 256 * 1024, 'a small packet is a limit of its own')
  t.equal(read({ PUSH_MAX_CONNECTIONS: '5' }).PUSH_MAX_CONNECTIONS_PER_ADDRESS, 0)
})

t.test('listeners', async (t) => {
  for (const [env, says] of [
    [{ PUSH_HTTP_PORT: '1883' }, /PUSH_HTTP_PORT .*1883 .*PUSH_MQTT_PORT/],
    [{ PUSH_PROXY_PROTOCOL: 'v2' }, /PUSH_PROXY_TRUSTED .*PUSH_PROXY_PROTOCOL/],
    [{ PUSH_TLS_KEY: 'key.pem' }, /PUSH_TLS_KEY .*no port/],
    [{ PUSH_TLS_CA: 'ca.pem' }, /PUSH_TLS_CA .*no port/],
    [
      { PUSH_TLS_CA: 'ca.pem', PUSH_TLS_CERT: 'cert.pem', PUSH_TLS_KEY: 'key.pem', PUSH_MQTTS_PORT: '0' },
      /PUSH_TLS_CA .*PUSH_TLS_CLIENT_AUTH/,
    ],
  ] as [Record<string, string>, RegExp][]) {
    t.throws(() => checkListeners(read(env)), { message: says })
  }
  t.doesNotThrow(() => checkListeners(read({ PUSH_MQTT_PORT: '0', PUSH_HTTP_PORT: '0' })), 'any free port is none yet')
})
