/** One run of verify-isolation against a copy of the server. */
import { runMain } from '../../config/support/main.ts'
import type { Scope } from '../../support/index.ts'
import { type Break, startCopy } from './broken-server.ts'

export async function verify(t: Scope, broken: Break | undefined) {
  const server = await startCopy(t, broken)
  const ended = await runMain(
    t,
    ['verify-isolation', '--json', ...(broken === undefined ? [] : ['--fail-fast'])],
    server.env,
  )
  const left = await runMain(t, ['keys', 'list', '--json'], server.env)
  await server.stop()
  return { ended, report: JSON.parse(ended.output), left: JSON.parse(left.output) }
}
