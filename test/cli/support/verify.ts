/** One run of verify-isolation against a copy of the server. */
import type { Test } from 'tap'
import { runMain } from '../../config/support/main.ts'
import { ann, type Scope } from '../../support/index.ts'
import { type Break, startCopy } from './broken-server.ts'

export async function verify(t: Scope, broken: Break | undefined) {
  const server = await startCopy(t, broken)
  const words = ['verify-isolation', '--json', ...(broken === undefined ? [] : ['--fail-fast'])]
  const user = broken?.users === true ? ['--user', ann.username] : []
  const ended = await runMain(t, [...words, ...user], { ...server.env, PUSH_USER_PASSWORD: ann.password })
  const left = await runMain(t, ['keys', 'list', '--json'], server.env)
  await server.stop()
  return { ended, report: JSON.parse(ended.output), left: JSON.parse(left.output) }
}

/** It must be found, and by the check that is there for it. */
export async function finds(t: Test, broken: Break): Promise<void> {
  const { ended, report } = await verify(t, broken)
  t.equal(ended.code, 5, ended.errors)
  t.equal(report.verdict, 'leak')
  const { check, leaks } = report.results.at(-1)
  t.ok(leaks.length > 0, leaks.join('; '))
  t.ok(check.startsWith(broken.by ?? ''), check)
}
