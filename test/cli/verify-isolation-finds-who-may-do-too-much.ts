// Does verify-isolation find each way in which a built server lets somebody do too much, and nothing on a sound one?
import { t } from '../support/tap.ts'
import { RIGHTS } from './support/broken-server.ts'
import { finds, verify } from './support/verify.ts'

await t.test('a sound server', async (t) => {
  const { ended, report, left } = await verify(t, undefined)
  t.equal(ended.code, 0, ended.errors)
  t.same([report.verdict, report.leaks], ['sound', []])
  t.ok(report.tried > 100, `${report.tried} tries`)
  const skipped = report.results.filter(({ skipped }: { skipped?: string }) => skipped !== undefined)
  t.equal(skipped.length, 1, 'users alone are left out')
  t.same(left, [], 'its keys are gone')
})

for (const broken of RIGHTS) await t.test(broken.what, (t) => finds(t, broken))
