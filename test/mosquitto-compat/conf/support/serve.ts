/** A server in this process as a mosquitto.conf describes it. `PORT1`, `PORT2` and `FOLDER` in texts stand for its own. */
import { chmodSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { readConf } from '../../../../mosquitto-compat/index.ts'
import { MosquittoLog } from '../../../../server/mosquitto/log.ts'
import { type MosquittoServing, serveMosquitto } from '../../../../server/mosquitto/serve.ts'
import { readMosquittoSettings, withConf } from '../../../../server/mosquitto/settings.ts'
import { freePort, type Scope, temporaryFolder } from '../../../support/index.ts'

export interface Served {
  readonly ports: readonly [number, number]
  readonly folder: string
  readonly serving: MosquittoServing
  /** Lines of its log. */
  log(): string[]
  /** Takes files and configuration as they are then. @throws what is wrong with them */
  reload(text: string, files?: Readonly<Record<string, string>>): void
  close(): Promise<void>
}

export async function serveText(
  t: Scope,
  text: string,
  files: Readonly<Record<string, string>> = {},
  settings: Readonly<Record<string, string>> = {},
): Promise<Served> {
  const folder = temporaryFolder(t, 'mosquitto')
  const ports: [number, number] = [await freePort(), await freePort()]
  const at = (name: string) => join(folder, name)
  const filled = (each: string) =>
    each.replaceAll('PORT1', String(ports[0])).replaceAll('PORT2', String(ports[1])).replaceAll('FOLDER', folder)
  const write = (now: Readonly<Record<string, string>>) => {
    for (const [name, content] of Object.entries(now)) {
      writeFileSync(at(name), filled(content))
      chmodSync(at(name), 0o600)
    }
  }
  const read = (now: string) => {
    writeFileSync(at('mosquitto.conf'), filled(now))
    return readConf({
      path: at('mosquitto.conf'),
      files: { read: (path) => readFileSync(path), list: () => [] },
      hostname: 'here',
      ports: [],
    })
  }
  write(files)
  const conf = read(text)
  const stderr = Object.assign(new PassThrough(), { fd: openSync(at('stderr'), 'a') })
  const log = new MosquittoLog({
    stderr,
    stdout: stderr,
    maximumBytes: 1024 * 1024,
    linesPerMinute: 0,
    now: Date.now,
    monotonic: () => performance.now(),
  })
  log.set(conf.log)
  const config = withConf(readMosquittoSettings({ PUSH_DATA_DIR: at('data'), ...settings }), conf)
  const serving = await serveMosquitto({ conf, config, log, opened: () => undefined })
  let closing: Promise<void> | undefined
  const close = () => (closing ??= serving.close())
  t.teardown(close)
  return {
    ports,
    folder,
    serving,
    log: () => readFileSync(at('stderr'), 'utf8').split('\n'),
    reload(now, changed = {}) {
      write(changed)
      const next = read(now)
      serving.set(next)
      log.set(next.log)
    },
    close,
  }
}
