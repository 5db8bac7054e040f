// Does verify-isolation find each way in which a built server delivers to the wrong one, or goes on with a token that has ended?
import { t } from '../support/tap.ts'
import { DELIVERIES } from './support/broken-server.ts'
import { verify } from './support/verify.ts'

for (const broken of DELIVERIES)
  await t.test(broken.what, async (t) => {
    const { ended, report } = await verify(t, broken)
    t.equal(ended.code, 5, ended.errors)
    t.equal(report.verdict, 'leak')
    t.ok(report.leaks.length > 0, report.leaks.join('; '))
  })
