// Does verify-isolation find each way in which an endpoint of Web Push is good for more than it is for?
import { t } from '../support/tap.ts'
import { ENDPOINTS } from './support/broken-server.ts'
import { finds } from './support/verify.ts'

for (const broken of ENDPOINTS) await t.test(broken.what, (t) => finds(t, broken))
