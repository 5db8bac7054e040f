// Are passwords hashed one at a time, who guesses last, a wrong one only so often, and an unknown name's like a known one's?
import { t } from '../../support/tap.ts'
import { PasswordChecks, Passwords } from '../../../mosquitto-compat/index.ts'

/** A check that ends when it is told to. */
function checking() {
  const begun: { readonly name: string; readonly end: (isRight: boolean) => void }[] = []
  const run = (name: string) => () => new Promise<boolean>((end) => void begun.push({ name, end }))
  const check = (username: string, address: string, isWanted = () => true) => ({
    username,
    address,
    isWanted,
    run: run(`${username} of ${address}`),
  })
  /** Ends them one after another, each with a wrong password, and tells in which order they began. */
  async function order(): Promise<string[]> {
    const names: string[] = []
    for (let next = begun.shift(); next !== undefined; next = begun.shift()) {
      names.push(next.name)
      next.end(false)
      await new Promise((resolve) => setImmediate(resolve))
    }
    return names
  }
  return { begun, check, order }
}

await t.test('one at a time, whose address and name ask least first', async (t) => {
  const { begun, check, order } = checking()
  const checks = new PasswordChecks({ failures: 0, now: () => 0 })
  const all = [
    ...[1, 2, 3, 4].map((at) => checks.take(check(`guess${at}`, '9.9.9.9'))),
    ...[1, 2, 3, 4].map((at) => checks.take(check('ann', `9.9.1.${at}`))),
    checks.take(check('bob', '10.0.0.1')),
  ]
  const gone = checks.take(check('carl', '10.0.0.2', () => false))
  t.equal(begun.length, 1, 'no other is under way')
  const names = await order()
  t.equal(names.length, 9)
  t.equal(names.indexOf('bob of 10.0.0.1'), 1, 'before who guesses from one address, and before one name from many')
  t.same(
    await Promise.all(all),
    Array.from({ length: 9 }, () => 'wrong'),
  )
  t.equal(await gone, 'busy', 'nobody waited for it')
})

await t.test('who guesses most gives way', async (t) => {
  const { check, order } = checking()
  const checks = new PasswordChecks({ failures: 0, now: () => 0 })
  const guesses = Array.from({ length: 600 }, (_, at) => checks.take(check(`guess${at}`, `2001:db8::${at}`)))
  t.equal(await guesses.at(-1), 'busy', 'of one network no more than half of what may wait')
  const others = Array.from({ length: 510 }, (_, at) => checks.take(check(`user${at}`, `2001:db8:${at + 1}::1`)))
  t.equal(await guesses.at(499), 'busy', 'who came last of it makes room')
  const names = await order()
  t.equal(names.indexOf('user509 of 2001:db8:510::1'), 510, 'all others have their turn first')
  t.notOk((await Promise.all(others)).includes('busy'))
})

await t.test('many addresses that guess one name give way too', async (t) => {
  const { check, order } = checking()
  const checks = new PasswordChecks({ failures: 0, now: () => 0 })
  const guesses = Array.from({ length: 1_100 }, (_, at) => checks.take(check('ann', `10.0.${at >> 8}.${at & 255}`)))
  const login = checks.take(check('bob', '10.9.0.1'))
  t.equal((await order()).indexOf('bob of 10.9.0.1'), 1)
  t.equal(await login, 'wrong')
  t.ok((await Promise.all(guesses)).includes('busy'))
})

await t.test('who was wrong too often is not looked at until a minute has passed', async (t) => {
  let now = 1
  let runs = 0
  const checks = new PasswordChecks({ failures: 2, now: () => now })
  const take = (username: string, address: string, isRight: boolean) =>
    checks.take({ username, address, isWanted: () => true, run: async () => (runs++, isRight) })
  t.equal(await take('ann', '2001:db8::1', false), 'wrong')
  t.equal(await take('ann', '2001:db8::2', false), 'wrong')
  t.equal(await take('ann', '2001:db8::3', true), 'busy', 'a network of IPv6 is one address')
  t.equal(runs, 2, 'a hash that is not due is not made')
  t.equal(await take('ann', '2001:db8:0:1::1', true), 'right', 'the user comes in from elsewhere')
  t.equal(await take('bob', '2001:db8::1', true), 'right', 'another user from there')
  now += 61_000
  t.equal(await take('ann', '2001:db8::1', true), 'right')
})

await t.test('a check that fails fails alone', async (t) => {
  const checks = new PasswordChecks({ failures: 0, now: () => 0 })
  const check = { username: 'ann', address: '', isWanted: () => true }
  const failing = checks.take({ ...check, run: () => Promise.reject(new Error('no hash')) })
  const next = checks.take({ ...check, run: async () => true })
  await t.rejects(failing, { message: 'no hash' })
  t.equal(await next, 'right')
})

await t.test('an unknown name is hashed like one of the file', async (t) => {
  const hash = Buffer.alloc(64).toString('base64')
  const lines = [
    `ann:$7$1000$AAAA$${hash}`,
    `bob:$7$50000$AAAA$${hash}`,
    `eve:$6$AAAA$${hash}`,
    `joe:$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$${hash}`,
  ]
  const passwords = new Passwords(lines.join('\n'))
  const names = Array.from({ length: 400 }, (_, at) => `nobody ${at}`)
  const costs = names.map((name) => passwords.costOf(name))
  t.same([...new Set(costs)].sort(), ['argon2id 64 1 1', 'pbkdf2 1000', 'pbkdf2 50000', 'sha512'], 'like any of them')
  t.same(
    names.map((name) => passwords.costOf(name)),
    costs,
    'always like the same',
  )
  const after = new Passwords([...lines, `max:$7$1000$BBBB$${hash}`].join('\n'))
  after.follow(passwords)
  const changed = names.filter((name, at) => after.costOf(name) !== costs[at])
  t.ok(changed.length < names.length / 3, 'most of them also when the file gets another user')
  t.equal(new Passwords('').costOf('nobody'), 'pbkdf2 1000', 'without users like mosquitto_passwd makes them')
})
