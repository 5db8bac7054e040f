// Where a mosquitto.db lies in persistence_location and nothing was imported yet, does the start say how to import it?
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { importHint } from '../../../server/import-mosquitto.ts'
import { SETTINGS, type Config } from '../../../server/settings.ts'
import { temporaryFolder } from '../../support/index.ts'
import { t } from '../../support/tap.ts'

const defaults = Object.fromEntries(Object.entries(SETTINGS).map(([name, { default: value }]) => [name, value]))

await t.test('the hint', async (t) => {
  const folder = temporaryFolder(t, 'hint')
  const path = join(folder, 'mosquitto.db')
  const config = { ...defaults, PUSH_DATA_DIR: folder } as unknown as Config
  t.equal(importHint(path, config), undefined, 'there is no such file')
  writeFileSync(path, '')
  t.match(importHint(path, config), `aedes-push import-mosquitto ${path} --data-dir ${folder}`)
  t.equal(importHint(path, { ...config, PUSH_REDIS_URL: 'redis://here' }), undefined, 'what Redis has is not looked at')
  mkdirSync(join(folder, 'store'))
  t.ok(existsSync(join(folder, 'store')))
  t.equal(importHint(path, config), undefined, 'there is a store')
})
