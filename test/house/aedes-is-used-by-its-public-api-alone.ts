// Does everything that users, and clients of an embedder's broker, do leave alone what Aedes' types do not declare?
import { fileURLToPath, pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { readdirSync } from 'node:fs'
import { t } from '../support/tap.ts'
import { BUILD, type Scope, startProgram } from '../support/index.ts'
import { TOUCHED, UNDECLARED } from './support/strict-aedes.ts'

const STRICT = fileURLToPath(new URL('support/strict-aedes.js', import.meta.url))
/** Of each kind of use one; all with `npm run test:long`. */
const REPRESENTATIVE = [
  'general/a-message-goes-from-user-to-user.js',
  'general/retained-messages-are-found-by-filters.js',
  'general/qos-2-from-a-kept-session-is-published-exactly-once.js',
  'plugin/an-embedder-keeps-its-own-hooks.js',
  'plugin/users-and-clients-of-the-embedders-aedes-exchange-messages.js',
  'plugin/what-an-attached-broker-had-retained-reaches-users.js',
  'plugin/close-ends-cleanly.js',
]

const isLong = process.env.PUSH_TEST_LONG !== undefined

function filesOf(folder: string): string[] {
  const names = readdirSync(join(BUILD, 'test', folder)).filter((name) => name.endsWith('.js'))
  return names.map((name) => `${folder}/${name}`)
}

async function strictly(t: Scope, args: readonly string[]) {
  const { stdout, stderr, exited } = startProgram(t, process.execPath, ['--import', STRICT, ...args], {
    // The deadline of this test is theirs.
    env: { TAP_TIMEOUT: '0', ...(isLong ? { PUSH_TEST_LONG: '1' } : {}) },
  })
  const { code } = await exited
  return { code, output: [...stdout.received, ...stderr] }
}

t.test('what is declared is enough', async (t) => {
  const files = isLong ? [...filesOf('general'), ...filesOf('plugin')] : REPRESENTATIVE
  const tests = pathToFileURL(join(BUILD, 'test/'))
  const program = `
    import { runFiles } from ${JSON.stringify(new URL('support/tap.js', tests).href)}
    await runFiles(new URL(${JSON.stringify(tests.href)}), ${JSON.stringify(files)})`
  const { code, output } = await strictly(t, ['--input-type=module', '--eval', program])
  t.same(
    output.filter((line) => /^\s*not ok|do not declare/.test(line)),
    [],
  )
  t.equal(code, 0)
  const touched = output.find((line) => line.startsWith(TOUCHED)) ?? ''
  for (const member of ['createBroker', 'publish', 'subscribe', 'handle', 'closed', 'close'])
    t.ok(touched.includes(member), `${member} was used`)
})

const UNDECLARED_USES = {
  'a member that is read': 'broker.clients',
  'one that is set': 'broker.persistence = {}',
  'one that is looked for': '"mq" in broker',
  'all of them': 'Object.keys(broker)',
  'one of a broker that was made with `new`': 'new Aedes().counter',
  'one of the class': 'Aedes.Client',
}

t.test('what is not declared is seen', async (t) => {
  const uses = Object.entries(UNDECLARED_USES).map(
    ([name, use]) => `try { ${use} } catch { console.log(${JSON.stringify(name)}) }`,
  )
  const program = `
    import { Aedes } from 'aedes'
    const broker = await Aedes.createBroker()
    ${uses.join('\n')}
    broker.close()`
  const { code, output } = await strictly(t, ['--input-type=module', '--eval', program])
  t.equal(code, UNDECLARED)
  for (const name of Object.keys(UNDECLARED_USES)) t.ok(output.includes(name), name)
})
