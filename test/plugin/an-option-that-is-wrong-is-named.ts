// Is an option that is misspelt, missing or of the wrong kind named, before anything is opened, and no key with it?
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Aedes } from 'aedes'
import { checkAedesVersion } from '../../broker/aedes/aedes-version.ts'
import { t } from '../support/tap.ts'
import { createPush } from '../../index.ts'
import { temporaryFolder } from '../support/index.ts'
import { PROVIDER_KEY } from './support/embed.ts'

const dataDir = temporaryFolder(t, 'options')
const providers = [{ name: 'backend', key: PROVIDER_KEY }]
const good = { dataDir, providers }
const url = 'redis://:a-password@127.0.0.1:1'

const wrong: Readonly<Record<string, [unknown, RegExp]>> = {
  'no options': [undefined, /createPush: it takes an object of options/],
  'a text for options': ['./data', /createPush: it takes an object of options/],
  'a misspelt dataDir': [{ ...good, dataDirr: dataDir }, /createPush: "dataDirr" is not known here; .*dataDir,/],
  'a misspelt option': [{ ...good, keyFile: 'keys.json' }, /createPush: "keyFile" is not known here; .*keysFile/],
  'no dataDir': [{ providers }, /createPush: dataDir is missing; give it, or redisUrl/],
  'a number for dataDir': [{ ...good, dataDir: 5 }, /createPush: dataDir must be a path, and is 5$/],
  'an empty dataDir': [{ ...good, dataDir: '' }, /createPush: dataDir must be a path, and is ''/],
  'no providers': [{ dataDir }, /createPush: providers is missing; give a list of \{name, key, apps\}/],
  'an object for providers': [{ dataDir, providers: {} }, /createPush: providers must be a list of/],
  'a provider without key': [
    { dataDir, providers: [{ name: 'x' }] },
    /providers\[0\]\.key \(x\) must be 16 to 256 bytes/,
  ],
  'a short key': [{ dataDir, providers: [{ name: 'x', key: 'secret' }] }, /^(?!.*secret).*providers\[0\]\.key/],
  'two with one key': [{ dataDir, providers: [...providers, ...providers] }, /two entries have the same key/],
  'no algorithm': [{ ...good, algorithm: 'none' }, /algorithm must be one of HS256, .*, and is 'none'/],
  'another algorithm': [{ ...good, algorithm: 'HS257' }, /algorithm must be one of HS256, .*, and is 'HS257'/],
  'a keysFile that is no path': [{ ...good, keysFile: {} }, /keysFile must be a path, and is \{\}/],
  'an empty issuer': [{ ...good, issuer: '' }, /issuer must be a non-empty text/],
  'an audience of many': [{ ...good, audience: ['a', 'b'] }, /audience must be a non-empty text/],
  'a text for hosts': [{ ...good, allowedHosts: 'x' }, /allowedHosts must be a list of host names .*, and is 'x'/],
  'a host with port': [{ ...good, allowedHosts: ['x:80'] }, /allowedHosts must be a list of host names/],
  'a host with port, in letters of hexadecimal': [
    { ...good, allowedHosts: ['a:80'] },
    /allowedHosts must be a list of host names/,
  ],
  'a host in capitals': [{ ...good, allowedHosts: ['Push.example'] }, /allowedHosts must be a list of host names/],
  'an origin with a path': [{ ...good, corsOrigins: ['https://x.example/'] }, /corsOrigins must be a list of origins/],
  'half a logger': [{ ...good, logger: { warn() {}, error() {} } }, /logger must be a pino logger, or an object with/],
  'the console for a logger': [{ ...good, logger: console }, /logger must be a pino logger/],
  'metricsText that is no function': [{ ...good, metricsText: 'text' }, /metricsText must be a function/],
  'a clock that is a time': [{ ...good, now: Date.now() }, /now must be a function/],
  'half a tally': [{ ...good, tally: { tell() {} } }, /tally must be an object with tell and hear/],
  'a Redis that is elsewhere': [
    { providers, redisUrl: 'http://a-password@x' },
    /^(?!.*a-password).*redisUrl must be a URL of Redis/,
  ],
  'a Redis without URL': [{ ...good, redisPrefix: 'x' }, /redisPrefix is for Redis, and redisUrl is missing/],
  'a prefix with a space': [{ providers, redisUrl: url, redisPrefix: 'a b' }, /redisPrefix must be 1 to 64 letters/],
  'half a replica': [{ providers, redisUrl: url, redisReplicas: 0.5 }, /redisReplicas must be a whole number/],
  'replicas of a Cluster': [
    { providers, redisUrl: `${url},${url}`, redisReplicas: 1 },
    /redisReplicas is not possible with a Redis Cluster/,
  ],
  'limits that are a number': [{ ...good, limits: 5 }, /limits must be an object, and is 5/],
  'a misspelt limit': [{ ...good, limits: { maxPayload: -1 } }, /limits: "maxPayload" is not known/],
  'a limit without a number': [
    { ...good, limits: { connectsPerToken: undefined } },
    /connectsPerToken must be a whole number from 0 to 1000000, and is undefined/,
  ],
  'a limit that is no number': [{ ...good, limits: { window: Number.NaN } }, /window must be a whole number from 1 to/],
  'a limit below its minimum': [
    { ...good, limits: { payloadBytes: -1 } },
    /payloadBytes must be .* 1 to .*, and is -1/,
  ],
  'a limit above its maximum': [
    { ...good, limits: { stallTimeoutMs: 3_600_001 } },
    /from 1000 to 3600000, and is 3600001/,
  ],
  'limits that do not fit together': [
    { ...good, limits: { payloadBytes: 2_000, maximumPacketSize: 2_000 } },
    /limits: payloadBytes is 2000, .* maximumPacketSize, which is 2000: .*and 1,024 bytes must fit/,
  ],
  'a limit that does not fit a default': [
    { ...good, limits: { defaultTtl: 30_000_000 } },
    /limits: defaultTtl is 30000000, .* maximumTtl, which is 2419200/,
  ],
}

for (const [what, [options, says]] of Object.entries(wrong))
  await t.test(what, async (t) => {
    await t.rejects(createPush(options as never), { message: says })
    t.same(readdirSync(dataDir), [], 'nothing was opened')
  })

await t.test('a broker that is none, and a path that no request has', async (t) => {
  const push = await createPush({ ...good, dataDir: join(dataDir, 'right'), redisUrl: undefined } as typeof good)
  t.teardown(() => push.close())
  t.throws(() => push.attach({} as never), /push.attach: it takes an Aedes of version 2\.0\.0-beta\.1/)
  t.throws(() => push.attach(new Aedes()), /push.attach: the broker is closed, or does not listen yet/)
  const broker = await Aedes.createBroker()
  t.teardown(() => broker.close())
  push.attach(broker)
  t.throws(() => push.attach(broker), /push.attach: a broker is attached already/)
  t.throws(() => checkAedesVersion('1.0.0'), /it works with aedes 2\.0\.0-beta\.1, and 1\.0\.0 is installed/)
  t.throws(
    () => push.webSocket(push.http.server, 'mqtt'),
    /webSocket: the path must begin with "\/" or be "\*", and is 'mqtt'/,
  )
})
