// Does what was sealed open on every node with the secrets, unchanged, and for its purpose only?
import { randomBytes } from 'node:crypto'
import { createSealing } from '../../auth/sealing.ts'
import { t } from '../support/tap.ts'

const secret = randomBytes(32)
const content = Buffer.from('token id and generation')

await t.test('sealed', async (t) => {
  const [here, there] = [createSealing(secret, randomBytes), createSealing(secret, randomBytes)]
  const sealed = here.seal('stream ticket', content)
  t.same(there.unseal('stream ticket', sealed), content)
  t.not(here.seal('stream ticket', content), sealed, 'the same is sealed otherwise each time')
  t.notOk(Buffer.from(sealed, 'base64url').includes(content))
  const endpoint = here.seal('push endpoint', content)
  t.equal(there.seal('push endpoint', content), endpoint, 'what is compared is sealed alike each time')
  t.same(there.unseal('push endpoint', endpoint), content)
  t.equal(here.unseal('push message', endpoint), undefined)
  t.equal(here.unseal('push endpoint', sealed), undefined, 'for another purpose')
  t.equal(createSealing(randomBytes(32), randomBytes).unseal('stream ticket', sealed), undefined, 'elsewhere')
  for (const wrong of ['', 'A', '!', sealed.slice(0, -1), `${sealed}A`, `${sealed}=`, ` ${sealed}`])
    t.equal(here.unseal('stream ticket', wrong), undefined, JSON.stringify(wrong.slice(0, 5)))
  const bytes = Buffer.from(sealed, 'base64url')
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    t.equal(here.unseal('stream ticket', changed.toString('base64url')), undefined, `with byte ${at} changed`)
  }
})
