/**
 * Eclipse Paho's interoperability suites (`interoperability/client_test.py` for MQTT 3.1.1 and `client_test5.py` for MQTT 5
 * of github.com/eclipse-paho/paho.mqtt.testing) against a server that runs:
 *
 *   node .build/scripts/paho-suites.js <checkout of that repository> <port> <username> <password>
 *
 * The server must let this user use every topic, keep its sessions and have no other clients; the suites take some four
 * minutes. Nothing in the checkout is changed: Python sets the port and the credentials as each client of a suite connects.
 * Prints what failed, and exits with 1 when something did that is not in `WRONG`, which says what the suites get wrong.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

interface Suite {
  readonly file: string
  /** As unittest takes them; a test whose name does not begin with `test` is run by its name only. */
  readonly tests: readonly string[]
}

const SUITES: readonly Suite[] = [
  { file: 'client_test.py', tests: ['Test', 'Test.will_message_test'] },
  { file: 'client_test5.py', tests: ['Test'] },
]

const WRONG: Readonly<Record<string, string>> = {
  'client_test5.py test_server_keep_alive':
    'wants a Server Keep Alive of 60 for a keep alive of 120. A server need not send one, and then uses that of the client' +
    ' [MQTT-3.2.2-22].',
  'client_test5.py test_subscribe_failure':
    'wants test/nosubscribe refused, and with 0x80. No topic has to be refused, and the reason of a refusal may be another' +
    ' one: 0x87 for who is not authorized, 0x8F for an invalid filter (section 3.9.3).',
}

/**
 * The suites have no way to be told a user, and their option -n, a filter that nobody may subscribe to, has no effect: what
 * it sets is never read. This share, whose name is a wildcard, is refused to everybody.
 */
const WRAPPER = `
import os, runpy, sys, unittest
suite, port, username, password, *tests = sys.argv[1:]
sys.path.insert(0, os.path.dirname(suite))
import mqtt.clients.V311, mqtt.clients.V5

def with_user(connect):
  def connected(self, **options):
    options.update(host="127.0.0.1", port=int(port), username=username, password=password.encode())
    return connect(self, **options)
  return connected

for version in (mqtt.clients.V311, mqtt.clients.V5):
  version.Client.connect = with_user(version.Client.connect)

def main():
  sys.modules["__main__"].nosubscribe_topics = ("$share/+/nosubscribe",)
  unittest.TestProgram()

unittest.main = main
sys.argv = [suite, *tests]
runpy.run_path(suite, run_name="__main__")
`

function run(folder: string, { file, tests }: Suite, server: readonly string[]): SpawnSyncReturns<string> {
  const args = ['-W', 'ignore', '-c', WRAPPER, join(folder, file), ...server, ...tests]
  return spawnSync('python3', args, { encoding: 'utf8', maxBuffer: 64 * 1024 ** 2 })
}

/** Prints how a suite went; false when something failed that should not have. */
function judge({ file }: Suite, { error, stdout, stderr }: SpawnSyncReturns<string>): boolean {
  if (error !== undefined) {
    console.error(`python3 does not run: ${error.message}`)
    return false
  }
  const count = Number(/^Ran (\d+) tests? in /m.exec(stderr)?.[1] ?? 0)
  const failed = [...stderr.matchAll(/^(?:FAIL|ERROR): (\w+)/gm)].map(([, name = '']) => name)
  for (const name of failed) console.log(`${file} ${name}: ${WRONG[`${file} ${name}`] ?? 'failed'}`)
  const others = failed.filter((name) => WRONG[`${file} ${name}`] === undefined)
  if (others.length > 0 || count === 0) console.log(stdout, stderr)
  console.log(
    `${file}: ${count - failed.length} of ${count}, ${failed.length - others.length} wrong in the suite itself`,
  )
  return others.length === 0 && count > 0
}

const [, , checkout, ...server] = process.argv
if (checkout === undefined || server.length !== 3) {
  console.error(
    'usage: node .build/scripts/paho-suites.js <checkout of paho.mqtt.testing> <port> <username> <password>',
  )
  process.exit(2)
}
const folder = join(checkout, 'interoperability')
const missing = SUITES.map(({ file }) => join(folder, file)).filter((path) => !existsSync(path))
if (missing.length > 0) {
  console.error(`missing: ${missing.join(', ')}; git clone https://github.com/eclipse-paho/paho.mqtt.testing`)
  process.exit(2)
}
const results = SUITES.map((suite) => judge(suite, run(folder, suite, server)))
process.exitCode = results.every(Boolean) ? 0 : 1
