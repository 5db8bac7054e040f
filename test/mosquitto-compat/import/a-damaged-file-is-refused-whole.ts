// Is a mosquitto.db that is cut off or damaged refused with its place, for every cut and whatever its bytes are?
import fc from 'fast-check'
import { MosquittoDbError, readMosquittoDb } from '../../../mosquitto-compat/index.ts'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand, temporaryFolder } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { chunk, client, clientMessage, database, message, retain, subscription } from './support/database.ts'

const WHOLE = database(6, [
  chunk(1, Buffer.alloc(16)),
  message({ id: 5n, topic: 'a/b', payload: 'hello', qos: 1 }),
  message({ id: 6n, topic: '$SYS/broker/uptime', payload: '1 seconds', qos: 2 }),
  client(6, { clientId: 'one', username: 'ann' }),
  clientMessage({ id: 5n, clientId: 'one', qos: 1, state: 3, direction: 1 }),
  clientMessage({ id: 5n, clientId: 'one', qos: 1, state: 11, direction: 1 }),
  clientMessage({ id: 5n, clientId: 'one', qos: 2, state: 7, direction: 0, packetId: 9 }),
  subscription({ clientId: 'one', filter: '$share/g/a/#', qos: 2, identifier: 3 }),
  retain(5n),
  retain(6n),
])

await t.test('the whole file', async (t) => {
  const { version, retained, sessions } = readMosquittoDb(WHOLE)
  t.equal(version, 6)
  t.match(retained, [{ topic: 'a/b' }])
  t.equal(retained.length, 1, 'what is below $SYS is not taken')
  t.match(sessions, [
    {
      clientId: 'one',
      username: 'ann',
      expiryInterval: Infinity,
      subscriptions: [{ filter: '$share/g/a/#', qos: 2, identifier: 3 }],
      queue: [{ wasSent: true }, { wasSent: false }],
      received: [{ packetId: 9, message: { topic: 'a/b' } }],
    },
  ])
})

await t.test('version 5', async (t) => {
  const { sessions } = readMosquittoDb(database(5, [client(5, { clientId: 'old' })]))
  t.match(sessions, [{ clientId: 'old', username: undefined }])
})

await t.test('each cut', async (t) => {
  const whole = new Set([WHOLE.byteLength])
  for (let at = 0, end = 23; end < WHOLE.byteLength; at++) {
    if (at === end) {
      whole.add(end)
      end += 8 + WHOLE.readUInt32BE(end + 4)
    }
  }
  for (let length = 0; length < WHOLE.byteLength; length++) {
    if (whole.has(length)) continue
    t.throws(() => readMosquittoDb(WHOLE.subarray(0, length)), { name: 'MosquittoDbError' }, `${length} bytes`)
  }
})

await t.test('any bytes', async () => {
  const changed = fc.array(fc.tuple(fc.nat(WHOLE.byteLength - 1), fc.nat(255)), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(changed, (changes) => {
      const bytes = Buffer.from(WHOLE)
      for (const [at, value] of changes) bytes[at] = value
      try {
        readMosquittoDb(bytes)
      } catch (error) {
        if (!(error instanceof MosquittoDbError)) throw error
      }
    }),
    { numRuns: 2_000 },
  )
})

await t.test('the command', async (t) => {
  const dataDir = temporaryFolder(t, 'imported')
  const file = join(dataDir, 'mosquitto.db')
  for (const [bytes, said] of [
    [WHOLE.subarray(0, 100), /cannot be used, and nothing was imported: at byte \d+: the file is cut off/],
    [Buffer.from('something else, and long enough'), /at byte 0: this is no mosquitto.db/],
    [database(4, []), /version 4; start a Mosquitto of today with it once/],
  ] as const) {
    writeFileSync(file, bytes)
    const { code, errors } = await runCommand(t, ['import-mosquitto', file], { PUSH_DATA_DIR: dataDir })
    t.equal(code, 2)
    t.match(errors, said)
    t.notOk(existsSync(join(dataDir, 'store')))
  }
  t.match(await runCommand(t, ['import-mosquitto'], { PUSH_DATA_DIR: dataDir }), {
    code: 2,
    errors: /missing required argument 'file'/,
  })
})
