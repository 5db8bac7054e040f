// Is a variable refused that is a setting but for a slip, and are those of others left alone?
import { t } from '../support/tap.ts'
import { readConfig } from '../../server/arguments.ts'
import { ConfigError, SETTINGS } from '../../server/settings.ts'
import { judgeUnknown } from '../../server/unknown-settings.ts'

const known = Object.keys(SETTINGS)

t.test('a slip of the pen names what was meant', async (t) => {
  for (const [name, meant] of [
    ['PUSH_MQTT_PROT', 'PUSH_MQTT_PORT'],
    ['PUSH_REDIS_URI', 'PUSH_REDIS_URL'],
    ['PUSH_PROVIDERKEY', 'PUSH_PROVIDER_KEY'],
    ['PUSH_WORKER', 'PUSH_WORKERS'],
    ['push_workers', 'PUSH_WORKERS'],
    ['PUSH_LOGLEVEL', 'PUSH_LOG_LEVEL'],
    ['PUSH_MAX_CONECTIONS', 'PUSH_MAX_CONNECTIONS'],
  ] as const) {
    t.same(judgeUnknown(name, known), { meant, isForeign: false }, name)
    t.throws(() => readConfig([], { [name]: '1' }), ConfigError)
    t.throws(() => readConfig([], { [name]: '1' }), { message: new RegExp(`${name} .*${meant}`) })
  }
})

t.test('another name is told of, and stops nothing', async (t) => {
  t.same(readConfig([], { PUSH_GATEWAY_URL: 'x', PUSHER_KEY: 'x', PUSH_SUBSCRIBERS: 'x' }).unknown, [
    'PUSH_GATEWAY_URL',
    'PUSH_SUBSCRIBERS',
  ])
})

t.test('what Kubernetes and Docker say of a service beside us is nobody’s setting', async (t) => {
  const links = {
    PUSH_PORT: 'tcp://10.0.0.1:1883',
    PUSH_PORT_1883_TCP: 'tcp://10.0.0.1:1883',
    PUSH_PORT_1883_TCP_ADDR: '10.0.0.1',
    PUSH_SERVICE_HOST: '10.0.0.1',
    PUSH_SERVICE_PORT: '1883',
    PUSH_SERVICE_PORT_MQTT: '1883',
    PUSH_REDIS_SERVICE_HOST: '10.0.0.2',
    PUSH_REDIS_PORT_6379_TCP_PROTO: 'tcp',
  }
  t.same(readConfig([], links).unknown, [])
})
