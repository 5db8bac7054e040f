// Are passwords hashed one at a time, in rotation, a wrong one only so often, and an unknown name's like a known one's?
import { t } from '../support/tap.ts'
import { PasswordChecks, type Verdict } from '../../mosquitto-compat/password-checks.ts'
import { Passwords } from '../../mosquitto-compat/index.ts'

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
  return { begun, check }
}

await t.test('one at a time, users and addresses in rotation', async (t) => {
  const { begun, check } = checking()
  const checks = new PasswordChecks({ failures: 0, now: () => 0 })
  const guesses = [1, 2, 3].map(() => checks.take(check('ann', 'bad')))
  const login = checks.take(check('ann', 'good'))
  const gone = checks.take(check('bob', 'gone', () => false))
  for (const name of ['ann of bad', 'ann of bad', 'ann of good', 'ann of bad']) {
    t.equal(begun.length, 1, 'no other is under way')
    const [next] = begun.splice(0)
    t.equal(next?.name, name)
    next?.end(name === 'ann of good')
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.equal(await login, 'right')
  t.same(await Promise.all(guesses), ['wrong', 'wrong', 'wrong'])
  t.equal(await gone, 'busy', 'nobody waited for it')
  t.same(begun, [])
})

await t.test('who was wrong too often is not looked at until a minute has passed', async (t) => {
  let now = 1
  let runs = 0
  const checks = new PasswordChecks({ failures: 2, now: () => now })
  const take = (username: string, address: string, isRight: boolean): Promise<Verdict> =>
    checks.take({ username, address, isWanted: () => true, run: async () => (runs++, isRight) })
  t.equal(await take('ann', 'bad', false), 'wrong')
  t.equal(await take('ann', 'bad', false), 'wrong')
  t.equal(await take('ann', 'bad', true), 'busy')
  t.equal(runs, 2, 'a hash that is not due is not made')
  t.equal(await take('ann', 'good', true), 'right', 'the user comes in from elsewhere')
  t.equal(await take('bob', 'bad', true), 'right', 'another user from there')
  now += 61_000
  t.equal(await take('ann', 'bad', true), 'right')
})

await t.test('more than a thousand do not wait', async (t) => {
  const { begun, check } = checking()
  const checks = new PasswordChecks({ failures: 0, now: () => 0 })
  const all = Array.from({ length: 1_100 }, () => checks.take(check('ann', 'bad')))
  t.equal(await all.at(-1), 'busy')
  t.equal(begun.length, 1)
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
  const passwords = new Passwords(`ann:$7$1000$AAAA$${hash}\nbob:$7$50000$AAAA$${hash}\n`)
  const names = Array.from({ length: 200 }, (_, at) => `nobody ${at}`)
  const iterations = names.map((name) => passwords.iterationsOf(name))
  t.same([...new Set(iterations)].sort(), [1_000, 50_000], 'like any of them')
  t.same(
    names.map((name) => passwords.iterationsOf(name)),
    iterations,
    'always like the same',
  )
  t.equal(new Passwords('').iterationsOf('nobody'), 101, 'without users like mosquitto_passwd makes them')
})
