// Is a misspelt flag, or a misspelt name in the file, refused instead of silently left out?
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { temporaryFolder } from '../support/index.ts'
import { runMain } from './support/main.ts'

const folder = temporaryFolder(t)
const file = join(folder, 'settings.json')
writeFileSync(file, JSON.stringify({ PUSH_MQTT_PORTS: 0 }))
const proto = join(folder, 'proto.json')
writeFileSync(proto, '{"__proto__": {"PUSH_WINDOW": 1}}')

const nothing = join(folder, 'nothing.json')
writeFileSync(nothing, JSON.stringify({ PUSH_TLS_CA: null }))

for (const [what, args, named] of [
  ['a flag', ['--mqtt-ports', '0'], '--mqtt-ports'],
  ['a flag with =', ['--port=1'], '--port'],
  ['the name of the variable as a flag', ['--PUSH_MQTT_PORT', '0'], '--PUSH_MQTT_PORT'],
  ['a flag of another language', ['--__proto__', 'x'], '--__proto__'],
  ['a name in the file', ['--config', file], 'PUSH_MQTT_PORTS'],
  ['a name of JavaScript in the file', ['--config', proto], '__proto__'],
  ['a value in the file that is neither text nor number', ['--config', nothing], 'PUSH_TLS_CA'],
  ['two settings of which one is wrong', ['--mqtt-port', '0', '--htpp-port', '0'], '--htpp-port'],
  ['one dash', ['-p', '0'], '-p'],
] as const) {
  await t.test(what, async (t) => {
    const ended = await runMain(t, args, { PUSH_DATA_DIR: join(folder, 'data') })
    t.equal(ended.code, 2)
    t.ok(ended.errors.includes(named), `names ${named}`)
    t.equal(ended.errors.split('\n').length, 1)
    t.equal(ended.output, '')
  })
}
