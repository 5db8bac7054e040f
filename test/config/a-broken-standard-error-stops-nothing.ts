// Does a server, or a bridge, go on when standard error is a full disk, has no reader, or one that reads nothing?
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { t } from '../support/tap.ts'
import { bareCommand, freePort, request, type Scope, temporaryFolder, within, MAIN } from '../support/index.ts'

type Target = number | 'pipe' | 'gone'

const KEY = 'a-provider-key-of-this-test'

/** Full from the first byte on, as a disk can be. */
function fullDisk(t: Scope): number {
  const fd = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(fd))
  return fd
}

const CASES: [what: string, command: string[], stderr: (t: Scope) => Target][] = [
  ['a server: a full disk', [], fullDisk],
  ['a server: a reader that reads nothing', [], () => 'pipe'],
  ['a bridge: a reader that is gone', ['bridge'], () => 'gone'],
]

t.jobs = CASES.length
for (const [what, command, stderr] of CASES) {
  t.test(what, { buffered: true }, async (t) => {
    const [httpPort, mqttPort] = [await freePort(), await freePort()]
    const env = {
      PUSH_DATA_DIR: temporaryFolder(t, 'data'),
      PUSH_HTTP_PORT: String(httpPort),
      PUSH_MQTT_PORT: String(mqttPort),
      PUSH_PROVIDER_KEY: KEY,
      PUSH_BROKER_URL: `mqtt://127.0.0.1:${mqttPort}`,
      PUSH_LOG_LEVEL: 'trace',
    }
    const target = stderr(t)
    const child: ChildProcess = spawn('env', bareCommand(env, process.execPath, [MAIN, ...command]), {
      stdio: ['ignore', 'pipe', target === 'gone' ? 'pipe' : target] as const,
    })
    t.teardown(() => void child.kill('SIGKILL'))
    const exited = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
    child.stderr?.pause()
    if (target === 'gone') child.stderr?.destroy()
    const ready = new Promise((resolve) => createInterface({ input: child.stdout! }).once('line', resolve))
    t.match(await within('the ready line', Promise.race([ready, exited])), /^ready /)
    // At level trace each request is a line of some hundred bytes: more than the 64 KiB that a pipe holds.
    for (let round = 0; round < (target === 'pipe' ? 6 : 1); round++) {
      const answers = await Promise.all(
        Array.from({ length: 100 }, () => request({ httpPort, providerKey: KEY }, 'GET', '/healthz')),
      )
      t.ok(answers.every(({ status }) => status === 200))
    }
    child.kill('SIGTERM')
    t.equal(await within('the end', exited), 0)
  })
}
